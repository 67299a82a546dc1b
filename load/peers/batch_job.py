"""The job in batches, in our own code: decode, features, scores, rows in Postgres, state in Redis.

Nothing is checked against what was done before: no progress, no owners, no watermarks. What is delivered
again is appended to the histories again.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from load.peers.means import INCARNATION, Outgoing, Record, ledger_of, redis_of, scorer_of
from load.peers.place import Place
from models.decision import alert_of
from models.features import ENTITIES
from models.history import Retention
from streams.arrivals import Sweep
from streams.codecs import TransactionCodec, encode
from streams.deciding import Decider, Histories, Names
from streams.ledger.decision_columns import decision_values
from streams.ledger.settling import INSERT_DECISIONS
from streams.metrics import Metrics
from streams.ports import DecisionRows, Settled
from streams.settings import Settings, read_settings
from streams.verdicts import additions_of, alerts_of

# One call for a batch: a command for each history would cost more than all the rest.
APPEND = """
    for i = 1, #KEYS do
        redis.call('APPEND', KEYS[i], ARGV[i])
    end
"""


class BatchJob:
    """Not for several threads at once.

    Raises, in all that it does, what the clients raise: how a tool takes that is the tool's affair.
    """

    def __init__(self, settings: Settings, place: Place) -> None:
        self._place = place
        self._topic = settings.transactions_topic
        self._codec = TransactionCodec(settings.currency, int(settings.clock_ahead_s * 1000))
        scorer = scorer_of(settings)
        self._decider = Decider(
            scorer=lambda: scorer,
            retention=Retention(),
            currency=settings.currency,
            path="stream",
            now=lambda: datetime.now(UTC),
            metrics=Metrics(CollectorRegistry()),
        )
        self._redis = redis_of(settings)
        self._ledger = ledger_of(settings, place)

    @classmethod
    def of_this_process(cls) -> "BatchJob":
        return cls(read_settings(), Place.of_this_process())

    def do(self, records: Sequence[Record]) -> list[Outgoing]:
        """Decide, keep the rows, append the state; the alerts are the caller's to send."""
        if not records:
            return []
        rows = self._decide(records)
        self._ledger.execute(INSERT_DECISIONS, decision_values(self._ledger, rows, INCARNATION))
        self._append(rows)
        alerts = alerts_of(rows, Settled())
        return [Outgoing(each.customer_id.encode(), encode(alert_of(each))) for each in alerts]

    def _decide(self, records: Sequence[Record]) -> DecisionRows:
        batch, _ = self._codec.decode(self._sweep(records))
        names = Names(batch)
        rows, _ = self._decider.decide(batch, names, self._read(names))
        return rows

    def _sweep(self, records: Sequence[Record]) -> Sweep:
        partitions, offsets, values = zip(*records, strict=True)
        now_ms = np.full(len(records), int(time.time() * 1000), np.int64)
        nobody = [None] * len(records)
        return Sweep(self._topic, "", np.array(partitions), np.array(offsets), now_ms, nobody, values)

    def _read(self, names: Names) -> Histories:
        keys = [self._place.key(entity, name) for entity in ENTITIES for name in names.ids[entity]]
        values: list[Any] = self._redis.mget(keys)
        first = len(names.ids["customer"])
        return {"customer": values[:first], "terminal": values[first:]}

    def _append(self, rows: DecisionRows) -> None:
        additions = additions_of(rows, Settled())
        appends: dict[str, bytes] = {}
        for entity in ENTITIES:
            packed = additions.records[entity]
            raw, size = packed.tobytes(), packed.itemsize
            for position, name in enumerate(additions.ids[entity]):
                key = self._place.key(entity, name)
                appends[key] = appends.get(key, b"") + raw[position * size : (position + 1) * size]
        self._redis.eval(APPEND, len(appends), *appends, *appends.values())
