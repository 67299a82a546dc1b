"""`streams.reconcile.ports.Books` on Postgres: what the ledger holds, by place and by id."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from models.archived import ArchivedDecision
from models.features import Entity
from models.label import decode_label
from models.transaction import comparable
from streams.ledger import archived, reading
from streams.ledger.connection import Connector
from streams.ledger.records import PostgresSnapshot, settled, snapshot
from streams.ledger.restores import restores
from streams.reconcile.ports import (
    Decided,
    LabelBody,
    LabelKey,
    Piece,
    Restored,
    Spans,
    Stray,
    TransactionBody,
    Unclaimed,
    Wanted,
)
from streams.topics import Partition

PAGE_ROWS = 5000

HERE = """
    incarnation = (SELECT incarnation FROM incarnations WHERE topic_id = %s) AND partition = %s
        AND "offset" >= %s AND "offset" < %s
"""
BODY = """
    transaction_id, customer_id, terminal_id, amount_minor, (date_part('epoch', event_time) * 1000)::bigint,
    currency, attributes
"""
ROWS = f'SELECT "offset", {BODY} FROM decisions WHERE {HERE}'
ACCEPTED = (
    f'SELECT "offset", transaction_id, version, label_id, label, source, event_time FROM labels WHERE {HERE}'
)
PARKED = f'SELECT "offset", value FROM parked_labels WHERE {HERE}'
DEAD = f'SELECT "offset" FROM dead_letters WHERE {HERE}'
# A topic holds decisions or labels, so one of the two counts is nothing.
COUNTS = f"""
    SELECT (SELECT count(*) FROM decisions WHERE {HERE}) + (SELECT count(*) FROM labels WHERE {HERE}),
        (SELECT count(*) FROM dead_letters WHERE {HERE})
"""
FLAGGED = f"""
    SELECT "offset", transaction_id FROM decisions
    WHERE {HERE} AND decision <> 'approve' ORDER BY incarnation, partition, "offset" LIMIT {PAGE_ROWS}
"""
DECIDED = (
    reading.DECIDED.replace("FROM decisions", ", topic_id FROM decisions")
    + "LEFT JOIN incarnations USING (incarnation) WHERE transaction_id = ANY(%s)"
)
DANGLING = """
    FROM decisions LEFT JOIN scorings USING (scoring_id) LEFT JOIN incarnations USING (incarnation)
    WHERE scorings.variant IS NULL OR (decisions.incarnation IS NOT NULL AND topic_id IS NULL)
"""
# Changes start from no fraud, and end where the latest version does.
UNBALANCED = """
    FROM (
        SELECT transaction_id, sum(delta) AS changed, (array_agg(label ORDER BY version DESC))[1] AS latest
        FROM labels GROUP BY transaction_id
    ) AS labelled WHERE changed <> (latest = 'fraud')::int
"""
WAITING = "SELECT value FROM parked_labels WHERE transaction_id = ANY(%s)"
LABELLED = """
    SELECT transaction_id, version FROM labels
    JOIN unnest(%s::text[], %s::int[]) AS asked (transaction_id, version) USING (transaction_id, version)
"""
UNCLAIMED = """
    SELECT count(*), count(*) FILTER (WHERE decided_at < %s) FROM decisions WHERE incarnation IS NULL
"""
OVERDUE = """
    SELECT transaction_id FROM decisions WHERE incarnation IS NULL AND decided_at < %s
    ORDER BY transaction_id LIMIT %s
"""
TABLES = {
    "decisions": "a decision",
    "labels": "a label",
    "parked_labels": "a parked label",
    "dead_letters": "a dead letter",
}
# One statement, so one moment: what is recorded and the progress move together.
STRAYS = " UNION ALL ".join(
    f"""
    SELECT '{what}', topic_id, partition, stray."offset" FROM progress JOIN incarnations USING (incarnation)
    CROSS JOIN LATERAL (
        SELECT "offset" FROM {table} AS found
        WHERE found.incarnation = progress.incarnation AND found.partition = progress.partition
            AND found."offset" >= progress.next_offset
        ORDER BY "offset" LIMIT %(most)s
    ) AS stray
    """
    for table, what in TABLES.items()
)
OWNERS = """
    SELECT topic_id, partition, count(*) FROM decisions JOIN incarnations USING (incarnation) GROUP BY 1, 2
"""


class LedgerBooks:
    """Reads on two connections of their own: one for the moment, one for what a snapshot holds."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._connector = Connector(url, timeout_s, "fraudml-books")
        self._snapshots = Connector(url, timeout_s, "fraudml-snapshot")

    def close(self) -> None:
        self._connector.close()
        self._snapshots.close()

    def rows(self, partition: Partition, start: int, stop: int) -> dict[int, TransactionBody]:
        return {row[0]: _body(row[1:]) for row in self._ask(ROWS, [*partition, start, stop])}

    def accepted(self, partition: Partition, start: int, stop: int) -> dict[int, LabelBody]:
        return {row[0]: row[1:] for row in self._ask(ACCEPTED, [*partition, start, stop])}

    def parked(self, partition: Partition, start: int, stop: int) -> dict[int, LabelKey]:
        return {at: _key(value) for at, value in self._ask(PARKED, [*partition, start, stop])}

    def dead(self, partition: Partition, start: int, stop: int) -> set[int]:
        return {at for (at,) in self._ask(DEAD, [*partition, start, stop])}

    def counts(self, partition: Partition, start: int, stop: int) -> tuple[int, int]:
        ((owned, dead),) = self._ask(COUNTS, [*partition, start, stop] * 3)
        return owned, dead

    def flagged(self, partition: Partition, start: int, stop: int) -> Iterator[str]:
        while page := self._ask(FLAGGED, [*partition, start, stop]):
            yield from (transaction_id for _, transaction_id in page)
            start = page[-1][0] + 1

    def decided(self, transaction_ids: Sequence[str]) -> dict[str, Decided]:
        found = {}
        with self._connector.use() as connection:
            cursor = connection.execute(DECIDED, [list(transaction_ids)])
            names = [each.name for each in cursor.description or ()]
            for row, (_, number, offset), more in reading.documents_of(cursor, names):
                topic_id = more["topic_id"]
                owner = (Partition(topic_id, number or 0), offset or 0) if topic_id is not None else None
                found[row.transaction_id] = Decided(owner, row)
        return found

    def archived(self, transaction_ids: Sequence[str]) -> dict[str, ArchivedDecision]:
        with self._connector.use() as connection:
            return archived.find(connection, transaction_ids)

    def waiting(self, keys: Sequence[LabelKey]) -> set[LabelKey]:
        ids = sorted({transaction_id for transaction_id, _ in keys})
        return {_key(value) for (value,) in self._ask(WAITING, [ids])} & set(keys)

    def labelled(self, keys: Sequence[LabelKey]) -> set[LabelKey]:
        columns = [[key[0] for key in keys], [key[1] for key in keys]]
        return {(transaction_id, version) for transaction_id, version in self._ask(LABELLED, columns)}

    def unclaimed(self, before: datetime, most: int) -> Unclaimed:
        ((rows, overdue),) = self._ask(UNCLAIMED, [before])
        first = [name for (name,) in self._ask(OVERDUE, [before, most])] if overdue else []
        return Unclaimed(rows, overdue, first)

    def strays(self, most: int) -> list[Stray]:
        return [
            Stray(what, Partition(topic_id, number), at)
            for what, topic_id, number, at in self._ask(STRAYS, {"most": most})
        ]

    def owners(self) -> dict[Partition, int]:
        return {Partition(topic_id, number): rows for topic_id, number, rows in self._ask(OWNERS, [])}

    def dangling(self, most: int) -> tuple[int, list[str]]:
        return self._some(DANGLING, most)

    def unbalanced(self, most: int) -> tuple[int, list[str]]:
        return self._some(UNBALANCED, most)

    def _some(self, which: str, most: int) -> tuple[int, list[str]]:
        """Transactions: how many, and the first of them."""
        ((count,),) = self._ask("SELECT count(*) " + which, [])
        query = f"SELECT transaction_id {which} ORDER BY transaction_id LIMIT %s"
        return count, [name for (name,) in self._ask(query, [most])] if count else []

    def restores(self) -> list[Restored]:
        with self._connector.use() as connection:
            return restores(connection)

    def snapshot(self, wanted: Wanted) -> AbstractContextManager[PostgresSnapshot]:
        return snapshot(self._snapshots, wanted)

    def settled(self, spans: Spans, names: Mapping[Entity, Sequence[str]]) -> list[Piece]:
        with self._connector.use() as connection:
            return settled(connection, spans, names)

    def _ask(self, query: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
        with self._connector.use() as connection:
            return connection.execute(query, values, binary=True).fetchall()


def _body(row: Any) -> Any:
    """Attributes as they compare; nearly always there are none."""
    return row if row[-1] is None else (*row[:-1], comparable(row[-1]))


def _key(value: bytes) -> LabelKey:
    label = decode_label(value)
    return label.transaction_id, label.version
