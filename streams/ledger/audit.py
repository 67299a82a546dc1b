"""The audit table: who did what and why, each row resting on the hash of the one before.

hash = sha256(hash of the row before, or 32 zero bytes, then the row as JSON in UTF-8).
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from streams.codecs import encode
from streams.ledger.connection import Connector, TimedConnection

AT_ONCE = 1000
NOTHING_BEFORE = bytes(32)

NOTE = """
    INSERT INTO audit (actor, action, object, before, after, why, outcome, detail)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
# As the migration's audit_text(). Written again, since what is to be checked is not asked how.
TEXT = """
    jsonb_build_object(
        'audit_id', audit_id,
        'happened_at', to_char(happened_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'actor', actor, 'action', action, 'object', object, 'before', before, 'after', after, 'why', why,
        'detail', detail, 'outcome', outcome
    )::text
"""
FIRST_BREAK = f"""
    WITH chain AS (
        SELECT
            audit_id, prev_hash, lag(audit_id) OVER rising AS id_before,
            lag(hash) OVER rising AS hash_before,
            hash IS DISTINCT FROM sha256(prev_hash || convert_to({TEXT}, 'UTF8')) AS changed
        FROM audit WINDOW rising AS (ORDER BY audit_id)
    )
    SELECT audit_id, changed, id_before FROM chain
    WHERE changed OR prev_hash IS DISTINCT FROM coalesce(hash_before, %s)
    ORDER BY audit_id LIMIT 1
"""
HEAD = """
    SELECT (SELECT count(*) FROM audit), audit_id, hash FROM audit ORDER BY audit_id DESC LIMIT 1
"""
LINES = f"""
    SELECT audit_id, encode(prev_hash, 'hex'), encode(hash, 'hex'), {TEXT} FROM audit
    WHERE audit_id > %s ORDER BY audit_id LIMIT {AT_ONCE}
"""
NEWEST = """
    SELECT audit_id, happened_at, actor, action, object, before, after, why, outcome, detail FROM audit
    WHERE audit_id < %s ORDER BY audit_id DESC LIMIT %s
"""
PAST_THE_LAST = 2**63 - 1
HOLDS = "SELECT EXISTS (SELECT FROM audit WHERE hash = %s)"
HASHES = "SELECT audit_id, hash FROM audit WHERE audit_id = ANY (%s)"


class Head(NamedTuple):
    """Where the chain ends: whoever keeps this can tell later whether anything before it was changed.

    audit_id: of the last row; 0 where there is none.
    """

    rows: int
    audit_id: int
    hash: bytes


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what: `object` went from `before` to `after`; outcome is begun, done, failed or refused."""

    audit_id: int
    happened_at: datetime
    actor: str
    action: str
    object: str
    before: str | None
    after: str
    why: str
    outcome: str
    detail: dict[str, Any]


class Break(NamedTuple):
    """The first row that is not as it was written; audit_id is None where nothing tells which it was."""

    audit_id: int | None
    why: str


def note(
    connection: TimedConnection, action: str, what: str, before: str | None, after: str, **words: Any
) -> None:
    """Write down what somebody does, in the transaction that is open.

    words: actor, why, outcome ('done' if not given), and any more details.
    """
    actor, why, outcome = words.pop("actor"), words.pop("why"), words.pop("outcome", "done")
    detail = encode(words).decode()
    connection.execute(NOTE, [actor, action, what, before, after, why, outcome, detail])


class PostgresAudit:
    """Writes, reads and verifies the audit table. Not for several threads at once."""

    def __init__(self, url: str, timeout_s: float, application: str) -> None:
        self._connector = Connector(url, timeout_s, application)

    def note(self, action: str, what: str, before: str | None, after: str, **words: Any) -> None:
        """As the function of that name, in a transaction of its own."""
        with self._connector.use() as connection:
            note(connection, action, what, before, after, **words)

    def head(self) -> Head:
        with self._connector.use() as connection:
            row = connection.execute(HEAD).fetchone()
            return Head(0, 0, NOTHING_BEFORE) if row is None else Head(*row)

    def newest(self, most: int, before: int = PAST_THE_LAST) -> list[AuditRow]:
        """At most so many rows, newest first, of those with an audit_id below `before`."""
        with self._connector.use() as connection:
            rows = connection.execute(NEWEST, [before, most]).fetchall()
        return [AuditRow(**dict(zip(AuditRow.__struct_fields__, row, strict=True))) for row in rows]

    def first_break(self) -> Break | None:
        """Computes every hash anew. What was cut off at the end shows only against a head of before.

        Raises:
            LedgerUnavailable: Postgres cannot be reached, or takes too long.
        """
        with self._connector.use() as connection:
            row = connection.execute(FIRST_BREAK, [NOTHING_BEFORE]).fetchone()
        if row is None:
            return None
        audit_id, changed, id_before = row[0], row[1], row[2] or 0
        if changed:
            return Break(audit_id, "it is not what was written")
        if audit_id > id_before + 1:
            return Break(id_before + 1, f"it is gone: row {audit_id} was written after it")
        return Break(audit_id, f"it was not written after row {id_before}")

    def holds(self, head: bytes) -> bool:
        """Whether a row has that hash; the head of an empty table is always held."""
        if head == NOTHING_BEFORE:
            return True
        with self._connector.use() as connection:
            row = connection.execute(HOLDS, [head]).fetchone()
            return bool(row and row[0])

    def hashes(self, audit_ids: Sequence[int]) -> dict[int, bytes]:
        """Of those rows that are there."""
        with self._connector.use() as connection:
            return dict(connection.execute(HASHES, [list(audit_ids)]).fetchall())

    def lines(self) -> Iterator[bytes]:
        """Every row as a line of JSON; `row` is, sign by sign, what was hashed."""
        after = 0
        while page := self._page(after):
            for _, before, own, text in page:
                yield f'{{"prev_hash":"{before}","hash":"{own}","row":{text}}}'.encode()
            after = page[-1][0]

    def close(self) -> None:
        self._connector.close()

    def _page(self, after: int) -> list[Any]:
        with self._connector.use() as connection:
            return connection.execute(LINES, [after]).fetchall()
