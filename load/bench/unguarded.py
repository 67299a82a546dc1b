"""A worker without its guarantee, to measure what that costs. For benchmarks only: it loses and doubles.

The same pipeline, but alerts are produced plainly instead of in a transaction with the offsets, rows are
inserted without asking who owns an id or where the progress is, and histories are appended to without
watermarks.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from confluent_kafka import Producer

from models.decision import DecidedTransaction
from models.features import Entity
from streams import keeping, lane_parts, parts
from streams.alerts import KafkaOutbox
from streams.arrivals import DeadLetter
from streams.healing import ViewKeeper
from streams.kafka import our_errors, producer_config
from streams.ledger import PostgresLedger, copied
from streams.ledger.connection import TimedConnection
from streams.ledger.decision_columns import decision_values
from streams.ledger.settling import COPIED_FROM, INSERT_DECISIONS, moves_of, number_of_topic
from streams.offsets import Offsets
from streams.ports import Additions, Applied, Change, DecisionRows, Settled, Step
from streams.view import RedisView
from streams.view.keys import group_of, prefix, short_key

# The progress is still written, or nobody could see how far the worker is; nothing is checked against it.
NOTE = """
    INSERT INTO progress (incarnation, partition, next_offset)
    SELECT %s, moved.* FROM unnest(%s::int[], %s::bigint[]) AS moved
    ON CONFLICT (incarnation, partition) DO UPDATE SET next_offset = excluded.next_offset
"""
INSERT_AND_NOTE = f"WITH noted AS ({NOTE}) {INSERT_DECISIONS}"


# One call for a whole sweep, as with the guarantee: ARGV begins with how many keys are to be rewritten.
WRITE = """
    for i = 1, #KEYS do
        redis.call(i <= tonumber(ARGV[1]) and 'SET' or 'APPEND', KEYS[i], ARGV[i + 1])
    end
"""


class PlainLedger(PostgresLedger):
    """Inserts, and does not ask."""

    def settle_decisions(self, step: Step, rows: DecisionRows) -> Settled:
        with self._connector.use() as connection:
            incarnation = number_of_topic(connection, step)
            numbers, _, reached = moves_of(step)
            note = [incarnation, numbers, reached]
            if len(rows.batch) < COPIED_FROM or not self._copied(connection, rows, note):
                values = decision_values(connection, rows, incarnation)
                connection.execute(INSERT_AND_NOTE, [*note, *values])
        return Settled()

    def _copied(self, connection: TimedConnection, rows: DecisionRows, note: Sequence[Any]) -> bool:
        """Copied, as with the guarantee, unless some id has a row."""
        try:
            with connection.transaction():
                connection.execute(NOTE, note)
                copied.copy(connection, rows, note[0])
        except psycopg.errors.UniqueViolation:
            return False
        return True


class PlainView(RedisView):
    """Appends, and checks nothing."""

    def apply(self, change: Change) -> dict[int, Applied]:
        for group, appends in self._by_key(change.additions, change.views).items():
            start = prefix(group, self.groups, change.views[group])
            smaller = {
                short_key(entity, name): after
                for entity, rewrites in change.rewrites.items()
                for name, (_, after) in rewrites.items()
                if group_of(entity, name, self.groups) == group
            }
            keys = [start + key for key in (*smaller, *appends)]
            arguments = (len(smaller), *smaller.values(), *appends.values())
            self._servers.ask(start + "view", "EVAL", WRITE, len(keys), *keys, *arguments)
        return dict.fromkeys(change.views, Applied.NOW)


class TrustingKeeper(ViewKeeper):
    """Reads what is there, whole or not."""

    def read(
        self, topic_id: str, progress: Mapping[int, int], wanted: Mapping[Entity, Sequence[str]]
    ) -> Mapping[Entity, Sequence[bytes | None]]:
        if not self._known:
            self._adopt()
        return self._view.read(self._known, [], wanted).histories

    def apply(self, step: Step, additions: Additions, rewrites: Any) -> None:
        self._view.apply(Change(self._known, {}, additions, rewrites))


class PlainOutbox(KafkaOutbox):
    """Produces, waits until Kafka has it, and commits the offsets later."""

    def open(self) -> None:
        self._producer = Producer(producer_config(self._settings, f"outbox-{self._settings.slot}"))

    def publish(
        self, alerts: Sequence[DecidedTransaction], dead: Sequence[DeadLetter], offsets: Offsets, group: Any
    ) -> None:
        self._say(alerts, dead)
        with our_errors("take alerts"):
            self._producer.flush(self._timeout_s)
        self._book.later(offsets)


def run() -> None:
    plain = {
        (lane_parts, "PostgresLedger"): PlainLedger,
        (lane_parts, "RedisView"): PlainView,
        (parts, "KafkaOutbox"): PlainOutbox,
        (keeping, "ViewKeeper"): TrustingKeeper,
    }
    for (module, name), part in plain.items():
        assert issubclass(part, getattr(module, name)), f"{name} is another one"
        setattr(module, name, part)
    from streams.run import run_worker

    run_worker()


if __name__ == "__main__":
    run()
