"""R3: what a partition's records have become adds up, by the ledger's own count."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from streams.reconcile.check import Check
from streams.reconcile.ports import Books
from streams.reconcile.range import Source


@dataclass
class Tally:
    """What became of the records of one partition, record by record.

    own: has a row, or a label that was taken. repeated: its id has a row elsewhere, or its label is known.
    archived: the row of its id has left for the archive. conflicts: of these two, those with another body.
    returned: a label that went back to its topic. expired: recorded in the ledger, and left the log while it
    was read. wrong: none of these.
    """

    topic: str
    partition: int
    start: int
    stop: int
    records: int = 0
    own: int = 0
    repeated: int = 0
    archived: int = 0
    conflicts: int = 0
    parked: int = 0
    returned: int = 0
    dead: int = 0
    expired: int = 0
    wrong: int = 0

    @property
    def proven(self) -> int:
        return self.records - self.wrong


def conserved(books: Books, source: Source, tallies: Sequence[Tally], check: Check) -> list[dict[str, Any]]:
    """Records = rows or labels + repeats + archived + parked and returned labels + dead letters, everywhere.

    Rows, labels and dead letters are counted by the ledger, so that it must agree with what was seen of it.
    """
    partitions = []
    for tally in tallies:
        counted, set_aside = books.counts(source.partition(tally.partition), tally.start, tally.stop)
        elsewhere = tally.repeated + tally.archived + tally.parked + tally.returned
        became = counted + set_aside + elsewhere
        check.checked += 1
        if tally.records + tally.expired != became:
            check.find(
                f"{tally.topic}/{tally.partition}: {tally.records} records have become {became}: {counted} "
                f"recorded, {set_aside} dead letters, {tally.repeated + tally.archived} repeats, "
                f"{tally.parked + tally.returned} parked or returned"
            )
        partitions.append({**asdict(tally), "ledger": {"recorded": counted, "dead_letters": set_aside}})
    return partitions
