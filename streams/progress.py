"""What a worker believes the ledger's progress to be. The ledger checks it; a wrong belief costs a sweep."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.arrivals import Sweep
from streams.ports import Ledger


@dataclass(slots=True)
class Known:
    """What is remembered, by topic and partition, since partitions were dealt last. Lanes share it."""

    offsets: dict[tuple[str, int], int] = field(default_factory=dict)
    assignment: int = 0


class Progress:
    """Next offsets to settle, remembered from one sweep to the next."""

    def __init__(self, ledger: Ledger, known: Known | None = None) -> None:
        self._ledger = ledger
        self._known = known or Known()

    def of(self, sweep: Sweep) -> dict[int, int]:
        """Per partition of the sweep, the first offset that the ledger has not settled."""
        if sweep.assignment != self._known.assignment:
            # Another worker may have had the partitions meanwhile.
            self.forget()
            self._known.assignment = sweep.assignment
        known = {number: self._known.offsets.get((sweep.topic_id, number)) for number in sweep.partitions()}
        if unknown := [number for number, offset in known.items() if offset is None]:
            asked = self._ledger.progress(sweep.topic_id, unknown)
            self.moved(sweep.topic_id, asked)
            known |= asked
        return {number: offset for number, offset in known.items() if offset is not None}

    def moved(self, topic_id: str, reached: Mapping[int, int]) -> None:
        self._known.offsets.update({(topic_id, number): offset for number, offset in reached.items()})

    def forget(self) -> None:
        """After anything unexpected: ask the ledger again."""
        self._known.offsets.clear()
