"""What is counted is written once and for the right minute, by a thread that nobody waits for."""

from collections.abc import Callable, Mapping
from threading import Event, Thread
from threading import enumerate as enumerate_threads

import pytest
from structlog.testing import capture_logs

from models.decision import Path
from models.errors import LedgerUnavailable
from models.latency import Counts, bucket_of, no_counts
from streams.latency_log import MINUTES_AT_ONCE, LatencyLog

MINUTE_S = 1_527_811_200  # one that begins


class Table:
    """Takes counts, so many times."""

    def __init__(self, most: int = 1_000_000) -> None:
        self.rows: dict[tuple[Path, int], Counts] = {}
        self.sizes: list[int] = []
        self.most = most
        self.closed = False
        self.before_each: Callable[[], object] = lambda: None
        self.written = Event()

    def close(self) -> None:
        self.closed = True

    def add(self, path: Path, minutes: Mapping[int, Counts]) -> None:
        self.before_each()
        if len(self.sizes) >= self.most:
            raise LedgerUnavailable("Postgres failed")
        self.sizes.append(len(minutes))
        for at_s, counts in minutes.items():
            self.rows[path, at_s] = self.rows.get((path, at_s), no_counts()) + counts
        self.written.set()

    def told(self) -> dict[tuple[Path, int], dict[int, int]]:
        """By path and minute, the buckets that hold something."""
        return {
            place: {bucket: count for bucket, count in enumerate(counts.tolist()) if count}
            for place, counts in self.rows.items()
        }

    def total(self) -> int:
        return sum(int(counts.sum()) for counts in self.rows.values())


@pytest.fixture
def table() -> Table:
    return Table()


def test_sweeps_and_requests_are_counted_by_the_minute_in_which_they_ended(table: Table) -> None:
    log = LatencyLog("stream", table)
    log.add([0.005, 0.005, 0.03], MINUTE_S + 59.999)
    log.add_one(0.03, MINUTE_S + 0.0)
    log.add_one(100.0, MINUTE_S + 60.0)
    log.write()
    assert table.told() == {
        ("stream", MINUTE_S): {bucket_of(0.005): 2, bucket_of(0.03): 2},
        ("stream", MINUTE_S + 60): {bucket_of(100.0): 1},
    }


def test_what_was_written_is_not_written_again(table: Table) -> None:
    log = LatencyLog("rest", table)
    log.add_one(0.005, MINUTE_S)
    log.write()
    log.write()
    log.add_one(0.005, MINUTE_S)
    log.write()
    assert table.total() == 2


def test_what_could_not_be_written_is_written_later_with_what_came_since(table: Table) -> None:
    log = LatencyLog("rest", table)
    table.most = 0
    for _ in range(3):
        log.add_one(0.005, MINUTE_S)
        with pytest.raises(LedgerUnavailable):
            log.write()
    table.most = 100
    log.add_one(0.005, MINUTE_S)
    log.write()
    assert table.told() == {("rest", MINUTE_S): {bucket_of(0.005): 4}}


def test_hours_are_written_in_parts_and_a_failure_between_two_repeats_none(table: Table) -> None:
    log = LatencyLog("rest", table)
    for minute in range(2 * MINUTES_AT_ONCE + 5):
        log.add_one(0.005, MINUTE_S + 60 * minute)
    table.most = 1
    with pytest.raises(LedgerUnavailable):
        log.write()
    table.most = 100
    log.write()
    assert table.sizes == [MINUTES_AT_ONCE, MINUTES_AT_ONCE, 5]
    assert table.total() == 2 * MINUTES_AT_ONCE + 5


def test_a_ledger_that_is_away_for_too_long_gets_the_newest_minutes(table: Table) -> None:
    log = LatencyLog("rest", table, most_minutes=2)
    table.most = 0
    with capture_logs() as logs:
        for minute in range(4):
            log.add_one(0.005, MINUTE_S + 60 * minute)
            with pytest.raises(LedgerUnavailable):
                log.write()
    table.most = 1
    log.write()
    assert [at_s - MINUTE_S for _, at_s in table.told()] == [120, 180]
    assert [each["minutes"] for each in logs if each["event"] == "latencies_dropped"] == [1, 1]


def test_nothing_is_lost_that_is_counted_while_it_is_written(table: Table) -> None:
    log = LatencyLog("rest", table)

    def count() -> None:
        for _ in range(2000):
            log.add_one(0.005, MINUTE_S)
            log.add([0.005], MINUTE_S)

    counting = [Thread(target=count) for _ in range(2)]
    for thread in counting:
        thread.start()
    while any(thread.is_alive() for thread in counting):
        log.write()
    log.write()
    assert table.total() == 8000


def test_who_counts_does_not_wait_for_a_ledger_that_hangs(table: Table) -> None:
    begun, go_on = Event(), Event()
    were_let_go: list[bool] = []

    def hang() -> None:
        begun.set()
        were_let_go.append(go_on.wait(5))

    table.before_each = hang
    log = LatencyLog("stream", table, every_s=0.001)
    log.start()
    log.add_one(0.005, MINUTE_S)
    assert begun.wait(10)
    log.add([0.005] * 10, MINUTE_S)
    log.add_one(0.005, MINUTE_S)
    go_on.set()
    log.stop()
    assert all(were_let_go)
    assert table.total() == 12


def test_it_writes_by_itself_and_a_last_time_when_it_is_stopped(table: Table) -> None:
    log = LatencyLog("stream", table, every_s=0.001)
    log.start()
    log.add_one(0.005, MINUTE_S)
    assert table.written.wait(10)
    log.add_one(0.005, MINUTE_S)
    log.stop()
    assert (table.total(), table.closed) == (2, True)
    assert "latencies" not in [thread.name for thread in enumerate_threads()]


def test_whatever_goes_wrong_it_writes_again_and_says_so_once(table: Table) -> None:
    failures = [ValueError("a mistake of ours")] * 3

    def fail() -> None:
        if failures:
            raise failures.pop()

    table.before_each = fail
    log = LatencyLog("stream", table, every_s=0.001)
    log.add_one(0.005, MINUTE_S)
    with capture_logs() as logs:
        log.start()
        assert table.written.wait(10)
        log.stop()
    assert table.total() == 1
    assert [each["event"] for each in logs] == ["latencies_not_written"]
