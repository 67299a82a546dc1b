"""What a worker believes the ledger's progress to be. The ledger checks it; a wrong belief costs a sweep."""

from collections.abc import Mapping

from streams.arrivals import Sweep
from streams.ports import Ledger


class Progress:
    """Next offsets to settle, remembered from one sweep to the next."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._known: dict[tuple[str, int], int] = {}
        self._assignment = 0

    def of(self, sweep: Sweep) -> dict[int, int]:
        """Per partition of the sweep, the first offset that the ledger has not settled."""
        if sweep.assignment != self._assignment:
            # Another worker may have had the partitions meanwhile.
            self.forget()
            self._assignment = sweep.assignment
        numbers = sweep.partitions()
        unknown = [number for number in numbers if (sweep.topic_id, number) not in self._known]
        if unknown:
            self.moved(sweep.topic_id, self._ledger.progress(sweep.topic_id, unknown))
        return {number: self._known[sweep.topic_id, number] for number in numbers}

    def moved(self, topic_id: str, reached: Mapping[int, int]) -> None:
        self._known.update({(topic_id, number): offset for number, offset in reached.items()})

    def forget(self) -> None:
        """After anything unexpected: ask the ledger again."""
        self._known.clear()
