"""Marks that were not ours, in the audit table: one row for each partition and minute."""

from collections import Counter
from collections.abc import Sequence

from streams.answered import Place
from streams.bursts import EVERY_S, Bursts, Note


class RefusedMarks:
    """Gathers them from the sweeps, and notes them on a thread of its own. note: as `Bursts`. slot: of the
    worker."""

    def __init__(self, note: Note, slot: int, every_s: float = EVERY_S) -> None:
        self._bursts = Bursts(
            note,
            every_s=every_s,
            actor=f"worker {slot}",
            action="mark",
            after="ignored",
            why="an answer without our signature",
            outcome="refused",
        )

    def seen(self, topic: str, places: Sequence[Place]) -> None:
        """places: of a sweep that is settled, in order of offset within each partition."""
        firsts = dict(reversed(places))
        for number, count in Counter(number for number, _ in places).items():
            self._bursts.add(f"{topic}[{number}]", {"marks": count}, {"first_offset": firsts[number]})

    def start(self) -> None:
        self._bursts.start()

    def stop(self) -> None:
        self._bursts.stop()

    def write(self) -> None:
        """As `Bursts.write`."""
        self._bursts.write()
