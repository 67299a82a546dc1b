"""Desks and bursts on a real ledger: what they do stands in one unbroken audit table."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from random import Random

import pytest

from models.api_key import digest_of, parse, same_digest
from models.errors import Forbidden
from models.policy import DEFAULT_POLICY, flat_policy
from models.scopes import Key, Scope
from streams.bursts import Bursts
from streams.key_desk import KeyDesk, asked_for
from streams.ledger.audit import PostgresAudit
from streams.ledger.keys import PostgresKeys
from streams.ledger.rules import POLICY, PostgresRules
from streams.refused_marks import RefusedMarks
from tests.contracts.ledger_worlds import TIMEOUT_S

pytestmark = pytest.mark.stack

PEPPER = b"a pepper of these tests"
BY = {"actor": "shop/console", "why": "yearly"}


@pytest.fixture
def audit(ledger_url: str) -> Iterator[PostgresAudit]:
    with closing(PostgresAudit(ledger_url, TIMEOUT_S, "test-desks")) as found:
        yield found


@pytest.fixture
def keys(ledger_url: str) -> Iterator[PostgresKeys]:
    with closing(PostgresKeys(ledger_url, TIMEOUT_S, "test-desks")) as found:
        yield found


def grantor(*scopes: Scope) -> Key:
    return Key(key_id="a", owner="shop", name="console", scopes=scopes)


def test_a_told_key_is_the_one_that_is_kept(keys: PostgresKeys) -> None:
    desk = KeyDesk(keys, lambda: PEPPER, Random(1).randbytes)
    asked = asked_for("shop", "till", ["score:write"], 5, 1)
    made = desk.create("live", asked, grantor=grantor("score:write"), **BY)
    rotated = desk.rotate(made.key_id, timedelta(hours=1), grantor=None, **BY)
    live = {each.key.key_id: each.digest for each in keys.live()}
    for told in (made, rotated):
        assert same_digest(live[told.key_id], digest_of(PEPPER, parse(told.key).secret))
        assert told.key not in repr(told) + str(told)
    assert rotated.rotated.expires_at == rotated.created_at + timedelta(hours=1)


def test_what_a_key_may_not_grant_is_neither_made_nor_noted(keys: PostgresKeys, audit: PostgresAudit) -> None:
    desk = KeyDesk(keys, lambda: PEPPER, Random(1).randbytes)
    asked = asked_for("shop", "till", ["score:write", "labels:write"], 5, None)
    made = desk.create("live", asked, grantor=None, **BY)
    before = audit.head()
    with pytest.raises(Forbidden, match="labels:write"):
        desk.create("live", asked._replace(name="other"), grantor=grantor("score:write"), **BY)
    with pytest.raises(Forbidden, match="labels:write"):
        desk.rotate(made.key_id, timedelta(0), grantor=grantor("score:write"), **BY)
    assert (audit.head(), len(keys.records())) == (before, 1)


def test_the_audit_table_is_read_newest_first_page_by_page(audit: PostgresAudit) -> None:
    for number in range(5):
        audit.note("promote", "M@champion", None, str(number), metrics={"auc": 0.5}, **BY)
    first = audit.newest(2)
    second = audit.newest(3, first[-1].audit_id)
    assert [row.after for row in first + second] == ["4", "3", "2", "1", "0"]
    assert audit.newest(3, second[-1].audit_id) == []
    assert (first[0].actor, first[0].outcome, first[0].detail) == (
        "shop/console",
        "done",
        {"metrics": {"auc": 0.5}},
    )


def test_the_overview_of_rules_has_all_versions_and_who_put_which_in_force(ledger_url: str) -> None:
    with closing(PostgresRules(ledger_url, TIMEOUT_S, "test-desks")) as rules:
        rules.keep(POLICY, flat_policy("strict", 0.1, 0.2))
        rules.activate(POLICY, "strict", **BY)
        found = rules.overview(POLICY)
        assert (found["in_force"], found["policy"]["version"]) == ("strict", "strict")
        assert found["versions"] == [DEFAULT_POLICY.version, "strict"]
        assert [(row["actor"], row["after"]) for row in found["activations"]] == [("shop/console", "strict")]
        assert rules.overview(POLICY, "default-1")["policy"]["version"] == "default-1"


def test_a_flood_of_failures_and_of_marks_is_a_few_rows_of_one_chain(audit: PostgresAudit) -> None:
    failures = Bursts(
        audit.note, actor="gateway", action="authenticate", after="turned away", why="", outcome="refused"
    )
    marks = RefusedMarks(audit.note, slot=3)
    for number in range(10_000):
        failures.add(f"address 192.0.2.{number % 2}", {"failures": 1}, {"since": number})
        marks.seen("transactions", [(number % 2, number)])
    failures.write()
    marks.write()
    rows = audit.newest(10)
    assert [(row.actor, row.action, row.object, row.outcome) for row in rows] == [
        ("worker 3", "mark", "transactions[1]", "refused"),
        ("worker 3", "mark", "transactions[0]", "refused"),
        ("gateway", "authenticate", "address 192.0.2.1", "refused"),
        ("gateway", "authenticate", "address 192.0.2.0", "refused"),
    ]
    assert rows[0].detail == {"marks": 5000, "first_offset": 1}
    assert rows[2].detail == {"failures": 5000, "since": 1}
    assert audit.first_break() is None
