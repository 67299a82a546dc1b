"""What an analyst wants to know around a case, from one snapshot of the ledger."""

from typing import Any, NamedTuple

import msgspec

from models.decision import DecidedTransaction
from models.errors import NotFound
from models.features import Entity
from models.policy import Policy
from models.surroundings import EntityTimeline, Normal, Seen, normal_of, timeline_of
from streams.ledger import reading, rules, timelines
from streams.ledger.connection import Connector, TimedConnection
from streams.ledger.timelines import Bounds

WITH_FEATURES = reading.DECIDED.replace(
    "currency, attributes", "currency, attributes, features, feature_names, now() AS now"
)
CASE = WITH_FEATURES + "WHERE transaction_id = %s AND decision <> 'approve'"


class EntityContext(msgspec.Struct, frozen=True):
    """A customer or terminal around a transaction."""

    id: str
    normal: Normal
    timeline: EntityTimeline


class CaseFacts(NamedTuple):
    """features: little-endian float32, in the order of the names. policy: the one that decided; None where it
    was not kept."""

    decided: DecidedTransaction
    features: bytes
    feature_names: list[str]
    policy: Policy | None
    customer: EntityContext
    terminal: EntityContext


class PostgresCaseContext:
    """Over one connection of its own. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def close(self) -> None:
        self._connector.close()

    def facts(self, transaction_id: str, bounds: Bounds = Bounds()) -> CaseFacts:
        """
        Raises:
            NotFound: there is no such case.
            LedgerUnavailable: Postgres cannot be reached, or takes too long.
        """
        with self._connector.use() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            found = _facts(connection, transaction_id, bounds)
            connection.commit()
            return found


def _facts(connection: TimedConnection, transaction_id: str, bounds: Bounds) -> CaseFacts:
    decided, extra = _case(connection, transaction_id)
    middle = Seen(**{name: getattr(decided, name) for name in Seen._fields[:-2]})

    def entity(kind: Entity, name: str) -> EntityContext:
        around = timelines.around(connection, kind, middle, extra["now"], bounds)
        return EntityContext(name, normal_of(around), timeline_of(around))

    return CaseFacts(
        decided,
        extra["features"],
        extra["feature_names"],
        _policy(connection, decided.policy_version),
        entity("customer", decided.customer_id),
        entity("terminal", decided.terminal_id),
    )


def _case(connection: TimedConnection, transaction_id: str) -> tuple[DecidedTransaction, dict[str, Any]]:
    cursor = connection.execute(CASE, [transaction_id])
    names = [each.name for each in cursor.description or ()]
    for decided, _, extra in reading.documents_of(cursor, names):
        return decided, extra
    raise NotFound("there is no such case", why="it is not decided, or approved")


def _policy(connection: TimedConnection, version: str) -> Policy | None:
    try:
        found: Policy = rules.kept(connection, rules.POLICY, version)
    except NotFound:
        return None
    return found
