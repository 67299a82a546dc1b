"""What a worker believes of the ledger's progress."""

from collections.abc import Sequence
from dataclasses import replace

from load.doubles import FakeLedger
from streams.progress import Progress
from streams.topics import Partition
from tests.builders import Log


class Asked(FakeLedger):
    """A ledger that notes what it was asked."""

    def __init__(self, **offsets: int) -> None:
        super().__init__(
            next_offsets={Partition("transactions-id", int(name[1:])): at for name, at in offsets.items()}
        )
        self.asked: list[Sequence[int]] = []

    def progress(self, topic_id: str, numbers: Sequence[int]) -> dict[int, int]:
        self.asked.append(list(numbers))
        return super().progress(topic_id, numbers)


def sweep_of_partitions(*numbers: int, topic_id: str = "transactions-id") -> Log:
    log = Log(topic_id=topic_id)
    for number in numbers:
        log.produce(b"{}", partition=number)
    return log


def test_after_a_rebalance_nothing_is_believed_any_more() -> None:
    """Another worker may have had the partition, and settled more of it."""
    ledger = Asked(p0=4)
    progress = Progress(ledger)
    sweep = sweep_of_partitions(0).sweep()
    progress.of(sweep)
    ledger.next_offsets[Partition("transactions-id", 0)] = 9
    assert progress.of(sweep) == {0: 4}
    assert progress.of(replace(sweep, assignment=1)) == {0: 9}


def test_the_ledger_is_asked_once_for_each_partition() -> None:
    ledger = Asked(p0=4, p1=6)
    progress = Progress(ledger)
    assert progress.of(sweep_of_partitions(0, 1).sweep()) == {0: 4, 1: 6}
    assert progress.of(sweep_of_partitions(1, 2).sweep()) == {1: 6, 2: 0}
    assert progress.of(sweep_of_partitions(0, 2).sweep()) == {0: 4, 2: 0}
    assert ledger.asked == [[0, 1], [2]]


def test_a_settled_sweep_moves_what_is_believed() -> None:
    progress = Progress(Asked(p0=4))
    progress.of(sweep_of_partitions(0).sweep())
    progress.moved("transactions-id", {0: 9})
    assert progress.of(sweep_of_partitions(0).sweep()) == {0: 9}


def test_after_anything_unexpected_the_ledger_is_asked_again() -> None:
    ledger = Asked(p0=4)
    progress = Progress(ledger)
    progress.moved("transactions-id", {0: 9})
    progress.forget()
    assert progress.of(sweep_of_partitions(0).sweep()) == {0: 4}


def test_a_topic_made_again_has_a_progress_of_its_own() -> None:
    progress = Progress(Asked(p0=4))
    assert progress.of(sweep_of_partitions(0).sweep()) == {0: 4}
    assert progress.of(sweep_of_partitions(0, topic_id="remade-id").sweep()) == {0: 0}
