"""A model of the synchronous path: a row first, its record later, once, twice or after a long while."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

import numpy as np

from load.doubles import Row
from load.simulation.kafka import SimulatedKafka
from load.simulation.stores import SimulatedLedger
from models.decision import VERDICTS, DecidedTransaction
from models.features import FEATURE_NAMES
from streams.topics import Partition


@dataclass
class Asked:
    """A row made by REST. produced_at: where its record went last, by topic id; None while it waits."""

    value: bytes
    key: bytes
    produced_at: tuple[str, int, int] | None


class Gateway:
    """Decides at once, and produces what it decided."""

    def __init__(
        self, kafka: SimulatedKafka, ledger: SimulatedLedger, random: Random, now: Callable[[], datetime]
    ) -> None:
        self._kafka = kafka
        self._ledger = ledger
        self._random = random
        self._now = now
        self.asked: dict[str, Asked] = {}
        self.hasty: list[str] = []

    def ask(self, document: dict[str, Any], value: bytes | None) -> None:
        """A caller asks for a decision. Its record is produced now, twice, or only when republished."""
        name = document["transaction_id"]
        if name in self._ledger.rows:
            return
        decided = self._decided(document)
        self._ledger.rows[name] = Row(decided, None, np.zeros(len(FEATURE_NAMES), np.float32))
        asked = Asked(value or b"", str(document["customer_id"]).encode(), None)
        self.asked[name] = asked
        for _ in range(self._random.choice((0, 1, 1, 2))):
            self._produce(asked)

    def republish(self) -> bool:
        """Produce again what nobody has claimed, once progress is past where it was produced. Whether any."""
        waiting = [
            asked
            for name, asked in self.asked.items()
            if name in self._ledger.rows and self._ledger.rows[name].owner is None and self._passed(asked)
        ]
        for asked in waiting:
            if self._under_way(asked):
                self.hasty.append(f"the record {asked.produced_at} was not read yet, and is produced again")
            self._produce(asked)
        return bool(waiting)

    def _passed(self, asked: Asked) -> bool:
        return not self._under_way(asked)

    def _under_way(self, asked: Asked) -> bool:
        """Whether the last record produced is still to be read."""
        if asked.produced_at is None:
            return False
        topic_id, number, offset = asked.produced_at
        if topic_id != self._kafka.topics["transactions"].topic_id:
            return False
        return self._ledger.next_offsets.get(Partition(topic_id, number), 0) <= offset

    def _produce(self, asked: Asked) -> None:
        topic = self._kafka.topics["transactions"]
        number = topic.partition_of(asked.key)
        asked.produced_at = (topic.topic_id, number, topic.end(number))
        self._kafka.append("transactions", number, asked.key, asked.value)

    def _decided(self, document: dict[str, Any]) -> DecidedTransaction:
        return DecidedTransaction(
            decision=self._random.choice(VERDICTS),
            score=0.5,
            reasons=[],
            variant="champion",
            model_name="First",
            model_version="1",
            policy_version="simulated-1",
            ab_version="ab-1",
            path="rest",
            degraded_reason=None,
            late=False,
            decided_at=self._now(),
            **document | {"event_time": datetime.fromisoformat(document["event_time"])},
        )
