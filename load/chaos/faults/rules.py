"""What decides changes while transactions are decided."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from random import Random
from typing import Any

from load.chaos import stores
from load.chaos.arena import Arena
from load.chaos.faults.fault import Harm, awaited
from models.ab_test import ABConfig
from models.policy import flat_policy
from streams.ledger.rules import POLICY, SPLIT, Kind, PostgresRules


def change_split(arena: Arena, rng: Random) -> Harm:
    """Other shares, and back: every row must say by which, and be that customer's variant under it."""
    with _rules(arena) as rules:
        before = rules.in_force().split
        share = rng.choice([0.0, 0.3, 0.5, 1.0])
        first, second = before.variants
        variants = (replace(first, weight=1 - share), replace(second, weight=share))
        changed = ABConfig(f"drill-{rng.getrandbits(32)}", before.salt, variants)
        yield from _changed(arena, rules, SPLIT, before, changed)


def change_policy(arena: Arena, rng: Random) -> Harm:
    """Other thresholds, and back: every row must say which, and be what they say."""
    with _rules(arena) as rules:
        review_at = rng.choice([0.01, 0.1, 0.5])
        changed = flat_policy(f"drill-{rng.getrandbits(32)}", review_at, review_at + 0.4)
        yield from _changed(arena, rules, POLICY, rules.in_force().policy, changed)


@contextmanager
def _rules(arena: Arena) -> Iterator[PostgresRules]:
    rules = PostgresRules(arena.settings.database_url, stores.TIMEOUT_S, stores.DRILL)
    with closing(rules):
        yield rules


def _changed(arena: Arena, rules: PostgresRules, kind: Kind, before: Any, changed: Any) -> Harm:
    """Until rows are decided by it, and some seconds more; then back."""
    rules.keep(kind, changed)
    rules.activate(kind, changed.version, actor=stores.DRILL, why="a drill")
    url = arena.settings.database_url
    complaint = f"no row was decided by {kind.name} {changed.version}"
    yield from awaited(arena, lambda: stores.decided_under(url, changed.version), complaint)
    yield 3.0
    rules.activate(kind, before.version, actor=stores.DRILL, why="a drill")
    yield 1.0
