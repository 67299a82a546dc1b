"""Make the golden log: `python -m tests.golden.make_log`, once. The answers must then be renewed as well.

Four customers for 26 days from the generator, sent by the replayer: shuffled, some twice, labels a week
behind. Added by hand: what can never be used, a second body for an id, a transaction that comes too late, a
label that comes before its transaction, and one taken back.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

import msgspec
import numpy as np

from load.generator import simulate
from load.parameters import SimulatorParameters
from load.replay import Disturbance, Replay
from tests.golden.replaying import LOG, Line, write_lines

SEED = 20
DAYS = 26
PARTITIONS = 3
PARAMETERS = SimulatorParameters(
    customers=4, terminals_per_customer=1, transactions_per_day=(0.5, 1.5), compromised_customer_days=7
)


@dataclass
class Recorder:
    """Takes the place of the pusher: keeps what is sent, in order."""

    lines: list[Line] = field(default_factory=list)
    reached: dict[tuple[str, int], int] = field(default_factory=dict)

    def send(
        self,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes],
        rate: float | None = None,
        progress: Callable[[int], None] = lambda count: None,
    ) -> None:
        self.lines += [
            Line(topic, crc32(key or b"") % PARTITIONS, value.decode())
            for key, value in zip(keys, values, strict=True)
        ]

    def now(self) -> dict[tuple[str, int], int]:
        return self.reached


def generated() -> list[Line]:
    recorder = Recorder()
    pusher: Any = recorder
    days = (day for table in simulate(PARAMETERS, seed=SEED, days=DAYS) for day in table.days())
    Replay(
        pusher=pusher,
        applied=recorder,
        transactions_topic="transactions",
        labels_topic="labels",
        clock=lambda: 0.0,
        sleep=lambda seconds: None,
        rng=np.random.default_rng(SEED),
        disturbance=Disturbance(shuffle=6, duplicates=0.06, duplicate_distance=4),
    ).run(days)
    return recorder.lines


def changed(line: Line, **fields: Any) -> Line:
    document = msgspec.json.decode(line.value) | fields
    return Line(line.topic, line.partition, msgspec.json.encode(document).decode())


def with_trouble(lines: list[Line]) -> Iterator[Line]:
    """The lines, and between them what nobody would send on purpose."""
    transactions = [line for line in lines if line.topic == "transactions"]
    labels = [line for line in lines if line.topic == "labels"]
    fraud = next(line for line in labels if '"fraud"' in line.value)
    early = labels[-20]
    after = {
        transactions[5]: [Line("transactions", 0, "{oops"), changed(transactions[6], currency="USD")],
        transactions[12]: [changed(transactions[11], amount_minor=1)],
        transactions[20]: [
            changed(transactions[19], transaction_id="late", event_time="2018-01-01T00:00:00Z")
        ],
        transactions[30]: [changed(early, label="fraud", source="analyst", version=0)],
        fraud: [changed(fraud, label="genuine", source="reversal", version=2)],
        labels[3]: [Line("labels", 1, '{"label_id":"none"}')],
    }
    for line in lines:
        yield line
        yield from after.pop(line, [])


if __name__ == "__main__":
    write_lines(LOG, with_trouble(generated()))
