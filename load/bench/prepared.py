"""Records written down before a run, so that nobody makes or holds them while it is measured."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from load.bench.open_loop import Record, records_of
from load.columns import Transactions

BETWEEN, END = b"\t", b"\n"


def prepare(path: Path, tables: Iterable[Transactions], count: int) -> int:
    """Write the first `count` records of the tables; how many there were."""
    written = 0
    with path.open("wb") as file:
        for table in tables:
            some = table[: count - written]
            file.writelines(key + BETWEEN + document + END for key, document in records_of(some))
            written += len(some)
            if written == count:
                break
    return written


def prepared(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        for line in file:
            key, _, document = line.rstrip(END).partition(BETWEEN)
            yield key, document
