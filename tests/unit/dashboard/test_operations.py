"""Operations: its parts, what a role may see of them, and what it shows while one cannot be asked."""

from typing import Any

import httpx
import pytest

from dashboard.headway import Way
from dashboard.pages.audit import before_in
from dashboard.pages.operations import OPERATIONS, PARTS, part_of
from dashboard.pages.partitions import standing
from models.errors import BadSetting, GatewayUnavailable
from models.user import Role
from tests.unit.dashboard.asked import asking_of, ids_in, lane, looped, said, session_of, stats, view_at
from tests.unit.dashboard.fake_gateway import Answer, problem

STATS: dict[tuple[str, str], Answer] = {("GET", "/v1/stats"): lambda request: stats()}
KEY = {
    "key_id": "2hS7typIeJP",
    "owner": "shop",
    "name": "till",
    "last_four": "q13o",
    "scopes": ["score:write"],
    "limit_per_minute": 100,
    "created_at": "2026-06-01T08:00:00Z",
    "expires_at": None,
    "state": "live",
}
ROW = {
    "audit_id": 41,
    "happened_at": "2026-06-01T08:00:00Z",
    "actor": "user/ann",
    "action": "role",
    "object": "user bob",
    "before": "viewer",
    "after": "analyst",
    "why": "works cases",
    "outcome": "failed",
    "detail": {"a": 1},
}


async def _shown(search: dict[str, str], answers: dict[tuple[str, str], Answer], role: Role = "admin") -> Any:
    asking, _ = asking_of(STATS | answers, role)
    view = view_at(search)
    return OPERATIONS.show(await OPERATIONS.ask(asking, view), view)


@pytest.mark.parametrize(
    ("role", "parts"),
    [
        ("viewer", ["Dead letters", "Partitions", "Audit log"]),
        ("analyst", ["Dead letters", "Partitions", "Audit log"]),
        ("admin", ["Dead letters", "Partitions", "Keys", "People", "Audit log"]),
    ],
)
def test_a_role_sees_the_parts_that_are_open_to_it(role: Role, parts: list[str]) -> None:
    page = OPERATIONS.layout(view_at(), session_of(role))
    links = next(each for each in page._traverse() if getattr(each, "className", "") == "parts").children
    assert [link.children for link in links] == parts
    assert links[0].href == "/operations?tab=letters"


@pytest.mark.parametrize("tab", PARTS)
def test_what_is_shown_has_a_place_in_the_layout(tab: str) -> None:
    page = OPERATIONS.layout(view_at({"tab": tab}), session_of("admin"))
    assert {"operations-faults", "operations-trouble", "operations-part"} <= ids_in(page)


def test_links_to_other_parts_keep_the_time_and_drop_what_belongs_to_this_one() -> None:
    view = view_at({"tab": "letters", "reason": "currency", "range": "6h", "tz": "local"})
    page = OPERATIONS.layout(view, session_of("viewer"))
    links = next(each for each in page._traverse() if getattr(each, "className", "") == "parts").children
    assert links[1].href == "/operations?range=6h&tz=local&tab=partitions"


@pytest.mark.parametrize("tab", ["keys", "people"])
@looped
async def test_a_part_that_is_shut_says_so_and_is_not_asked_for(tab: str) -> None:
    asking, fake = asking_of(STATS, "analyst")
    view = view_at({"tab": tab})
    told = await OPERATIONS.ask(asking, view)
    assert "Your role may not see this" in said(OPERATIONS.layout(view, session_of("analyst")))
    assert fake.paths() == ["/v1/stats"]
    assert OPERATIONS.show(told, view)["operations-trouble", "children"] is None


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(BadSetting, match=r"the address says tab=nonsense, which cannot be"):
        part_of(view_at({"tab": "nonsense"}), session_of("admin"))


@looped
async def test_while_a_part_cannot_be_asked_the_faults_are_shown_all_the_same() -> None:
    away: dict[tuple[str, str], Answer] = {
        ("GET", "/v1/stats"): lambda request: stats(unavailable=["kafka"]),
        ("GET", "/v1/dead-letters"): lambda request: problem(503, "unavailable", "Kafka does not answer"),
        ("GET", "/v1/dead-letters/counts"): lambda request: problem(
            503, "unavailable", "Kafka does not answer"
        ),
    }
    shown = await _shown({"tab": "letters"}, away)
    assert "Kafka cannot be asked" in said(shown["operations-faults", "children"])
    assert "Kafka does not answer" in said(shown["operations-trouble", "children"])
    assert shown["operations-part", "className"] == "stale"
    assert not any(component.startswith("letters") for component, _ in shown)


@looped
async def test_what_the_gateway_forbids_is_said_and_nobody_is_signed_out() -> None:
    shown = await _shown(
        {"tab": "audit"}, {("GET", "/v1/audit"): lambda request: problem(403, "forbidden", "No")}
    )
    assert "Your role may not do this" in said(shown["operations-trouble", "children"])


@looped
async def test_a_gateway_that_is_away_is_told_by_the_page() -> None:
    asking, fake = asking_of(STATS)
    fake.away = True
    with pytest.raises(GatewayUnavailable):
        await OPERATIONS.ask(asking, view_at({"tab": "partitions"}))


@looped
async def test_partitions_are_shown_with_a_bar_of_their_lag() -> None:
    lanes = [lane(0, settled=100, lag=2_500), lane(1, settled=7, lag=None)]
    shown = await _shown(
        {"tab": "partitions"}, {("GET", "/v1/stats"): lambda request: stats(partitions=lanes)}
    )
    first, second = shown["partitions-all", "rowData"]
    assert (first["lag"], first["lag_share"], first["lag_text"]) == (2_500, 0.25, "2,500")
    assert (first["settled"], first["committed"], first["end"]) == (100, 100, 2_600)
    assert (second["lag_text"], second["words"]) == ("–", "▲ Kafka cannot be asked")
    assert shown["partitions-sum", "children"] == "✓ None stands still."


@pytest.mark.parametrize(
    ("lag", "way", "words"),
    [
        (0, Way(0.0, 0.0, grows=False), "✓ all is settled"),
        (50, Way(0.0, 41.0, grows=False), "▲ stands still for 40 s"),
        (50, Way(10.0, 0.0, grows=True), "◆ falls behind"),
        (50, Way(10.0, 0.0, grows=False), "✓ moves, 5 s behind"),
        (50, Way(None, 0.0, grows=False), "waits"),
    ],
)
def test_how_a_partition_stands_is_said_in_words(lag: int, way: Way, words: str) -> None:
    assert standing(lag, way) == words


@looped
async def test_keys_are_shown_with_what_they_have_used() -> None:
    usage = {"keys": [{"key_id": KEY["key_id"], "used": 37}], "live_keys": 3}
    keys = [{**KEY, "key_id": "5iq8jLibKho", "state": "revoked", "owner": "bank"}, KEY]
    answers: dict[tuple[str, str], Answer] = {
        ("GET", "/v1/keys"): lambda request: {"keys": keys},
        ("GET", "/v1/keys/usage"): lambda request: usage,
    }
    shown = await _shown({"tab": "keys"}, answers)
    live, revoked = shown["keys-all", "rowData"]
    assert (live["owner"], live["used_text"], live["used_share"]) == ("shop", "37 of 100", 0.37)
    assert (revoked["state"], revoked["used_text"]) == ("✕ revoked", "– of 100")
    assert shown["keys-unknown", "children"] == "Of 2 more live keys it is not told how much they use."


@looped
async def test_people_are_shown_with_their_state() -> None:
    ann = {
        "name": "ann",
        "role": "analyst",
        "created_at": "2026-06-01T08:00:00Z",
        "changed_at": "2026-06-01T08:00:00Z",
        "disabled_at": "2026-06-02T08:00:00Z",
        "state": "disabled",
    }
    shown = await _shown({"tab": "people"}, {("GET", "/v1/users"): lambda request: {"users": [ann]}})
    (row,) = shown["people-all", "rowData"]
    assert (row["name"], row["role"], row["state"]) == ("ann", "analyst", "✕ shut out")
    assert row["disabled"] == "2026-06-02 08:00:00"


@looped
async def test_the_audit_log_is_paged_by_the_address() -> None:
    def rows(request: httpx.Request) -> Any:
        assert dict(request.url.params) == {"limit": "200", "before": "42"}
        return {"rows": [ROW], "next_before": 41}

    shown = await _shown({"tab": "audit", "before": "42"}, {("GET", "/v1/audit"): rows})
    (row,) = shown["audit-rows", "rowData"]
    assert (row["actor"], row["change"], row["outcome"]) == ("user/ann", "viewer → analyst", "▲ failed")
    assert row["detail"] == '{"a": 1}'
    assert shown["audit-older", "href"] == "/operations?tab=audit&before=41"


@looped
async def test_the_last_page_of_the_audit_log_leads_no_further() -> None:
    empty: dict[tuple[str, str], Answer] = {
        ("GET", "/v1/audit"): lambda request: {"rows": [], "next_before": None}
    }
    shown = await _shown({"tab": "audit"}, empty)
    assert shown["audit-rows", "rowData"] == []
    assert shown["audit-older", "display"] == "none"


@pytest.mark.parametrize("text", ["0", "-1", "x", "1.5", "٣", "9" * 30, ""])
def test_a_page_of_the_audit_log_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(BadSetting, match=r"the address says before=.*, which cannot be"):
        before_in(view_at({"before": text}))
