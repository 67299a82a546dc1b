"""The signer of a worker, watched: which answers of one sweep contradict each other."""

from typing import Any

from load.simulation.stores import SimulatedLedger
from streams.answered import Answered, Marks, Signer
from streams.arrivals import Batch, Sweep


class WatchedSigner(Signer):
    """Tells the ledger's double which ids the real one has counted as clashes."""

    def __init__(self, key: bytes, ledger: SimulatedLedger) -> None:
        super().__init__(key)
        self._ledger = ledger
        self._found: list[Answered] = []

    def read(self, sweep: Sweep, batch: Batch) -> Marks:
        self._found = []
        marks = super().read(sweep, batch)
        clashing = [each for each in self._found if each != marks.answers[each.decided.transaction_id]]
        if len(clashing) != marks.clashes:
            self._ledger.miscounted.append(f"of {len(clashing)} clashes {marks.clashes} were counted")
        self._ledger.conflicts |= {each.decided.transaction_id for each in clashing}
        return marks

    def _read(self, value: bytes, found: dict[str, bytes | None], body: Any) -> Answered | None:
        answered = super()._read(value, found, body)
        self._found += [answered] if answered else []
        return answered
