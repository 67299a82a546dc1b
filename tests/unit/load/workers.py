"""Workers, and the Kafka before them, as a replay sees them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec
import numpy as np
from numpy.typing import NDArray

Place = tuple[str, int]


@dataclass
class Call:
    """What was handed to the pusher at once, and how far workers were behind at that moment."""

    topic: str
    ids: list[str]
    days: set[int]
    due_s: NDArray[np.float64] | None
    behind: int


@dataclass
class Workers:
    """Pusher, workers and clock in one: a few of the records sent are applied whenever somebody sleeps."""

    appetite: int = 5
    calls: list[Call] = field(default_factory=list)
    reached: dict[Place, int] = field(default_factory=dict)
    done: dict[Place, int] = field(default_factory=dict)
    time_s: float = 0.0

    def send(
        self,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes],
        due_s: NDArray[np.float64] | None = None,
        progress: Callable[[int], None] = lambda count: None,
    ) -> None:
        documents = [msgspec.json.decode(value) for value in values]
        behind = sum(self.reached.values()) - sum(self.done.values())
        days = {date.fromisoformat(document["event_time"][:10]).toordinal() for document in documents}
        self.calls.append(Call(topic, [each["transaction_id"] for each in documents], days, due_s, behind))
        for key in keys:
            place = (topic, sum(key or b"") % 3)
            self.reached[place] = self.reached.get(place, 0) + 1
        progress(len(values))

    def now(self) -> dict[Place, int]:
        return dict(self.done)

    def clock(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.time_s += seconds
        for place, reached in self.reached.items():
            self.done[place] = min(self.done.get(place, 0) + self.appetite, reached)

    def sent_to(self, topic: str) -> list[Call]:
        return [call for call in self.calls if call.topic == topic]
