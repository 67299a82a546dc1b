"""Policies and splits in Postgres: versions never change, and who put which in force stands for good."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from models.ab_test import ABConfig, Variant, create_default_ab_config
from models.errors import LedgerUnavailable, Misuse, NotFound
from models.policy import DEFAULT_POLICY, Band, Policy, flat_policy
from streams.ledger.rules import POLICY, SPLIT, PostgresRules, Rules
from tests.contracts.ledger_worlds import TIMEOUT_S
from tests.stores import empty_ledger

pytestmark = pytest.mark.stack

STRICT = Policy("strict", (Band(0, 0.2, 0.5), Band(10_000, 0.05, 0.3)))
HALVES = ABConfig(
    "halves",
    "salt",
    (Variant("champion", "First", "champion", 0.5), Variant("challenger", "Second", "challenger", 0.5)),
)


@pytest.fixture
def rules(ledger_url: str) -> Iterator[PostgresRules]:
    empty_ledger(ledger_url)
    with closing(PostgresRules(ledger_url, TIMEOUT_S, "test-rules")) as found:
        yield found


def test_until_something_is_activated_the_defaults_are_in_force(rules: PostgresRules) -> None:
    assert rules.in_force() == Rules(DEFAULT_POLICY, create_default_ab_config())


def test_what_was_activated_last_is_in_force_each_kind_for_itself(rules: PostgresRules) -> None:
    rules.keep(POLICY, STRICT)
    rules.keep(SPLIT, HALVES)
    assert rules.in_force().policy == DEFAULT_POLICY
    assert rules.activate(POLICY, "strict", actor="ann", why="costs") == "default-1"
    assert rules.in_force() == Rules(STRICT, create_default_ab_config())
    rules.activate(SPLIT, "halves", actor="ann", why="")
    assert rules.in_force() == Rules(STRICT, HALVES)
    assert rules.activate(POLICY, "default-1", actor="bob", why="too strict") == "strict"
    assert rules.in_force() == Rules(DEFAULT_POLICY, HALVES)


def test_who_activated_what_and_why_is_kept_in_order(rules: PostgresRules) -> None:
    rules.keep(POLICY, STRICT)
    rules.activate(POLICY, "strict", actor="ann", why="costs")
    rules.activate(POLICY, "default-1", actor="bob", why="too strict")
    notes = [(note["actor"], note["before"], note["after"], note["why"]) for note in rules.notes("policy")]
    assert notes == [("ann", "default-1", "strict", "costs"), ("bob", "strict", "default-1", "too strict")]


def test_what_was_done_elsewhere_is_noted_with_its_details(rules: PostgresRules) -> None:
    rules.note("promote", "M@champion", None, "3", actor="ann", why="better", metrics={"auc_roc": 0.9})
    (note,) = rules.notes("M@champion")
    assert (note["action"], note["before"], note["after"]) == ("promote", None, "3")
    assert note["detail"] == {"metrics": {"auc_roc": 0.9}}


def test_a_version_is_kept_once_and_never_changes(rules: PostgresRules) -> None:
    rules.keep(POLICY, STRICT)
    rules.keep(POLICY, STRICT)
    with pytest.raises(Misuse, match=r"version strict of the policy is another one"):
        rules.keep(POLICY, flat_policy("strict", 0.1, 0.2))
    with pytest.raises(Misuse, match="default-1"):
        rules.keep(POLICY, flat_policy("default-1", 0.1, 0.2))
    assert rules.find(POLICY, "strict") == STRICT
    assert rules.versions(POLICY) == ["strict"]


def test_what_was_not_kept_cannot_be_activated(rules: PostgresRules) -> None:
    with pytest.raises(NotFound, match=r"no policy of version lost.*fraudml policy show"):
        rules.activate(POLICY, "lost", actor="ann", why="")
    assert rules.notes("policy") == []


@pytest.mark.parametrize("table", ["audit", "policies", "ab_configs"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET version = 'x'", "TRUNCATE {}"])
def test_nothing_of_it_can_be_changed_afterwards(
    rules: PostgresRules, ledger_url: str, table: str, change: str
) -> None:
    statement = change.format(table).replace("version", "why" if table == "audit" else "version")
    with psycopg.connect(ledger_url) as connection, pytest.raises(psycopg.Error, match="only ever added to"):
        connection.execute(statement)


def test_a_ledger_out_of_reach_is_named() -> None:
    away = PostgresRules("postgresql://127.0.0.1:1/none", 1.0, "test")
    with closing(away), pytest.raises(LedgerUnavailable):
        away.in_force()
