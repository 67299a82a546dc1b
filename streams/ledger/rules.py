"""Policies and splits in the ledger: immutable versions, which of them is in force, and who said so and
why."""

from typing import Any, NamedTuple

import msgspec

from models.ab_test import ABConfig, create_default_ab_config
from models.errors import Misuse, NotFound
from models.policy import DEFAULT_POLICY, Policy
from streams.codecs import encode
from streams.ledger.audit import note
from streams.ledger.connection import Connector, TimedConnection

ACTIVATE = "activate"
MOST_ACTIVATIONS = 200

ADD = "INSERT INTO {table} (version, document) VALUES (%s, %s) ON CONFLICT DO NOTHING"
FIND = "SELECT document::text FROM {table} WHERE version = %s"
IN_FORCE = """
    SELECT document::text FROM {table} WHERE version = (
        SELECT after FROM audit WHERE action = 'activate' AND object = %s ORDER BY audit_id DESC LIMIT 1
    )
"""
VERSIONS = "SELECT version, made_at FROM {table} ORDER BY made_at, version"
NOTES = """
    SELECT happened_at, actor, action, object, before, after, why, outcome, detail FROM audit
    WHERE object = %s ORDER BY audit_id
"""


class Kind(NamedTuple):
    """A kind of rule: what it is called, its table, its type, and what is in force while nothing was
    activated."""

    name: str
    table: str
    type: Any
    default: Any


POLICY = Kind("policy", "policies", Policy, DEFAULT_POLICY)
SPLIT = Kind("ab", "ab_configs", ABConfig, create_default_ab_config())


class Rules(NamedTuple):
    """What decides beside the models."""

    policy: Policy
    split: ABConfig


class PostgresRules:
    """Reads and activates rules. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def in_force(self) -> Rules:
        """What is in force now.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        with self._connector.use() as connection:
            return Rules(_in_force(connection, POLICY), _in_force(connection, SPLIT))

    def find(self, kind: Kind, version: str) -> Any:
        """A version that was kept.

        Raises:
            NotFound: there is none of that name.
        """
        with self._connector.use() as connection:
            return kept(connection, kind, version)

    def versions(self, kind: Kind) -> list[str]:
        """All versions that were kept, oldest first."""
        with self._connector.use() as connection:
            return [row[0] for row in connection.execute(VERSIONS.format(table=kind.table)).fetchall()]

    def keep(self, kind: Kind, rule: Any) -> None:
        """Keep a new version; keeping the same one again changes nothing.

        Raises:
            Misuse: the version names another rule already.
        """
        with self._connector.use() as connection:
            if rule.version != kind.default.version:
                connection.execute(ADD.format(table=kind.table), [rule.version, encode(rule).decode()])
            if kept(connection, kind, rule.version) != rule:
                raise Misuse(
                    f"version {rule.version} of the {kind.name} is another one",
                    why="a version never changes",
                    next_step="give it a name of its own",
                )

    def activate(self, kind: Kind, version: str, *, actor: str, why: str) -> str:
        """Put a version in force; answers the one before.

        Raises:
            NotFound: it was not kept.
        """
        with self._connector.use() as connection:
            kept(connection, kind, version)
            before = str(_in_force(connection, kind).version)
            note(connection, ACTIVATE, kind.name, before, version, actor=actor, why=why)
            return before

    def note(self, action: str, what: str, before: str | None, after: str, **words: Any) -> None:
        """Write down what somebody has done elsewhere. words: actor, why, and any more details."""
        with self._connector.use() as connection:
            note(connection, action, what, before, after, **words)

    def overview(self, kind: Kind, version: str | None = None) -> dict[str, Any]:
        """A version, by default the one in force, all others by name, and who put what in force last.

        Raises:
            NotFound: there is no such version.
        """
        now = self.in_force()
        in_force = now.policy if kind is POLICY else now.split
        found = in_force if version is None else self.find(kind, version)
        return {
            "in_force": in_force.version,
            kind.name: msgspec.to_builtins(found),
            "versions": [kind.default.version, *self.versions(kind)],
            "activations": msgspec.to_builtins(self.notes(kind.name)[-MOST_ACTIVATIONS:]),
        }

    def notes(self, what: str) -> list[dict[str, Any]]:
        """Who did what to an object, oldest first."""
        with self._connector.use() as connection:
            cursor = connection.execute(NOTES, [what])
            names = [each.name for each in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def close(self) -> None:
        self._connector.close()


def _in_force(connection: TimedConnection, kind: Kind) -> Any:
    row = connection.execute(IN_FORCE.format(table=kind.table), [kind.name]).fetchone()
    return kind.default if row is None else msgspec.json.decode(row[0], type=kind.type)


def kept(connection: TimedConnection, kind: Kind, version: str) -> Any:
    """
    Raises:
        NotFound: there is no such version.
    """
    if version == kind.default.version:
        return kind.default
    row = connection.execute(FIND.format(table=kind.table), [version]).fetchone()
    if row is None:
        raise NotFound(f"there is no {kind.name} of version {version}", next_step=f"fraudml {kind.name} show")
    return msgspec.json.decode(row[0], type=kind.type)
