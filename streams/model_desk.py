"""Where versions of models are put in force, by the command line and by the gateway alike; every change is in
the ledger's audit table."""

import getpass
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from models.ab_test import ABConfig, create_default_ab_config
from models.boosters import FAMILIES, registered_name
from models.errors import Misuse, NotFound, Unavailable
from models.promotions import Model, Promotion
from streams.ledger.rules import PostgresRules

NAMES = tuple(registered_name(family) for family in FAMILIES)


class Registry(Protocol):
    """`models.promotions`, in this process or in one of its own."""

    def shown(self, names: Sequence[str]) -> list[Model]: ...

    def promote(
        self, name: str, alias: str, version: str | None, *, who: str | None, why: str
    ) -> Promotion: ...

    def roll_back(self, name: str, alias: str, *, who: str | None, why: str) -> Promotion: ...


class ModelDesk:
    """alias, below: None for that of the model's variant in the split in force. say: told what is worth
    knowing of a change, such as that it decides nothing.
    """

    def __init__(self, registry: Registry, rules: PostgresRules) -> None:
        self._registry = registry
        self._rules = rules

    def shown(self, names: Sequence[str] = NAMES) -> list[Model]:
        """
        Raises:
            RegistryUnavailable: MLflow cannot be reached.
        """
        return self._registry.shown(names)

    def promote(
        self,
        name: str,
        alias: str | None,
        version: str | None,
        *,
        who: str | None,
        why: str,
        say: Callable[[str], None],
    ) -> Promotion:
        """Put a version, by default the newest, behind an alias; workers take it within seconds.

        Raises:
            NotFound: no such model or version.
            Misuse: the alias is not clear, or there are too many words.
            Unavailable: MLflow or Postgres cannot be reached.
        """
        # The ledger must be there to note it.
        chosen = alias_of(self._rules.in_force().split, known_model(name), alias, say)
        with self._noted_if_it_fails(name, chosen, version or "the newest", who, why):
            made = self._registry.promote(name, chosen, version, who=who, why=why)
        return note_promotion(self._rules, made)

    def roll_back(
        self, name: str, alias: str | None, *, who: str | None, why: str, say: Callable[[str], None]
    ) -> Promotion:
        """Put back what stood before behind an alias.

        Raises:
            NotFound: no such model.
            Misuse: the alias is not clear, or nothing stood there before.
            Unavailable: MLflow or Postgres cannot be reached.
        """
        chosen = alias_of(self._rules.in_force().split, known_model(name), alias, say)
        with self._noted_if_it_fails(name, chosen, "the one before", who, why):
            made = self._registry.roll_back(name, chosen, who=who, why=why)
        return note_promotion(self._rules, made)

    def close(self) -> None:
        self._rules.close()

    @contextmanager
    def _noted_if_it_fails(
        self, name: str, alias: str, after: str, who: str | None, why: str
    ) -> Iterator[None]:
        """MLflow may have done all the same what it gave no answer to."""
        try:
            yield
        except Unavailable as error:
            actor, words = who or getpass.getuser(), {"why": why, "error": error.code}
            self._rules.note(
                "promote", f"{name}@{alias}", None, after, actor=actor, outcome="failed", **words
            )
            raise


def note_promotion(rules: PostgresRules, made: Promotion) -> Promotion:
    """Write a promotion into the ledger's audit table.

    Raises:
        LedgerUnavailable: Postgres cannot be reached.
    """
    what = f"{made.name}@{made.alias}"
    rules.note("promote", what, made.before, made.after, actor=made.who, why=made.why, metrics=made.metrics)
    return made


def alias_of(split: ABConfig, name: str, given: str | None, say: Callable[[str], None]) -> str:
    """The given one, or the one that the split has the model decide by.

    Raises:
        Misuse: none was given, and the split has several.
    """
    used = _aliases(split, name)
    if given is None and len(used) > 1:
        raise Misuse(
            f"the split {split.version} uses {name} as {' and as '.join(used)}",
            why="no alias was given",
            next_step="give one with --alias",
        )
    chosen = given or (used or _aliases(create_default_ab_config(), name))[0]
    if chosen not in used:
        say(f"no variant of the split {split.version} uses {name} as {chosen}: so it decides nothing")
    return str(chosen)


def _aliases(split: ABConfig, name: str) -> list[str]:
    return sorted({variant.alias for variant in split.variants if variant.model_name == name})


def known_model(name: str) -> str:
    """
    Raises:
        NotFound: there is no such model.
    """
    if name not in NAMES:
        raise NotFound(f"there is no model {name}", next_step=f"use {' or '.join(NAMES)}")
    return name
