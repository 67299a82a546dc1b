"""Whatever a transaction may be called, its routes find it."""

from typing import Any

import pytest

from api.examples import FINDING
from api.segments import path_by_segments
from models.archived import ArchivedDecision
from models.decision import DecidedTransaction
from models.path_segment import as_segment
from models.scopes import SCOPES
from models.transaction import is_identifier
from tests.unit.api.guarded import Caller, key_of

STRANGE = [
    "a/b", "/", "//", "a/", "/a", "a/take", "take", "/take", "a/context", "a/b/undo", ".", "..", "../..",
    "./a", "a?b", "a#b", "a%2Fb", "a%252Fb", "%", "%2", "%25", "a b", "é/ü", ":decide", "a;b", "a&b=c", "+",
    "\\", "{transaction_id}", "/" * 64,
]  # fmt: skip
ACTIONS = ["take", "release", "undo"]


class Heard:
    """Stands for everything that is asked about a transaction, and remembers about which."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def __getattr__(self, call: str) -> Any:
        async def one(name: str, *_: Any) -> dict[str, str]:
            self.calls.append((call, name))
            return {}

        return one

    async def decision(self, name: str) -> DecidedTransaction | None:
        self.calls.append(("decision", name))
        return None

    async def archived(self, name: str) -> ArchivedDecision | None:
        self.calls.append(("archived", name))
        return None


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def caller(heard: Heard) -> Caller:
    parts: dict[str, Any] = {
        "reviewing": heard,
        "case_contexts": heard,
        "decision": heard.decision,
        "archived": heard.archived,
    }
    return Caller({"all": key_of([*SCOPES])}, **parts)


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_id_is_looked_up_as_it_is(caller: Caller, heard: Heard, name: str) -> None:
    assert is_identifier(name)
    path = f"/v1/reviews/{as_segment(name)}"
    assert caller.ask("GET", f"/v1/decisions/{as_segment(name)}", "all").status_code == 404
    assert caller.ask("GET", path, "all").status_code == 200
    assert caller.ask("GET", f"{path}/context", "all").status_code == 200
    assert all(caller.ask("POST", f"{path}/{action}", "all").status_code == 200 for action in ACTIONS)
    told = ["decision", "archived", "view", "find", *ACTIONS]
    assert caller.ask("POST", f"{path}/decide", "all", json=FINDING).status_code == 200
    assert heard.calls == [(call, name) for call in (*told, "decide")]


@pytest.mark.parametrize("path", ["/v1/reviews/a/b", "/v1/reviews//take", "/v1/decisions/a/b", "/v1%2Fstats"])
def test_a_stroke_that_is_not_quoted_ends_an_id(caller: Caller, heard: Heard, path: str) -> None:
    refused = caller.ask("GET", path, "all")
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    assert heard.calls == []


def test_what_need_not_be_quoted_may_be(caller: Caller) -> None:
    assert caller.ask("GET", "/%76ersion", None).json() == {"version": "1"}
    assert caller.ask("POST", "/v1/reviews%3Adecide", "all").json()["code"] == "empty"


def test_counts_name_the_route_and_no_id(caller: Caller) -> None:
    caller.ask("GET", "/v1/reviews/a%2Fb", "all")
    page = caller.ask("GET", "/metrics").text
    assert 'route="/v1/reviews/{transaction_id}"' in page
    assert "a%2Fb" not in page


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (b"/a/b", "/a/b"),
        (b"/a%2fb", "/a%2Fb"),
        (b"/a%252Fb", "/a%252Fb"),
        (b"/%C3%BC", "/ü"),
        (b"/%", "/%25"),
    ],
)
def test_only_strokes_and_percents_stay_quoted(sent: bytes, path: str) -> None:
    assert path_by_segments(sent) == path
