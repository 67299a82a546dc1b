"""When the watchdog bites, and with which exit code a worker ends."""

import faulthandler
from threading import Event
from threading import enumerate as enumerate_threads

import pytest
from structlog.testing import capture_logs

from models.errors import (
    AssignmentLost,
    KafkaUnavailable,
    LedgerUnavailable,
    ModelRejected,
    OffsetsMissing,
    OutcomeUnknown,
)
from streams.watchdog import (
    EXIT_HALT,
    EXIT_STUCK,
    EXIT_UNAVAILABLE,
    Watchdog,
    crash,
    end_stuck_process,
    exit_code_of,
)
from tests.unit.streams.virtual_time import Clock

STUCK_S = 30.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def watchdog(clock: Clock) -> Watchdog:
    return Watchdog(STUCK_S, lambda: None, clock=clock)


def heard_for(watchdog: Watchdog, clock: Clock, seconds: float, lag: int) -> None:
    """The poller reports the same lag every second."""
    for _ in range(round(seconds)):
        clock.wait(1.0)
        watchdog.heard(lag)


def test_records_that_wait_while_no_sweep_is_finished_are_a_stuck_worker(
    watchdog: Watchdog, clock: Clock
) -> None:
    heard_for(watchdog, clock, STUCK_S, lag=5)
    assert not watchdog.is_stuck()
    heard_for(watchdog, clock, 1, lag=5)
    assert watchdog.is_stuck()


def test_an_idle_worker_is_not_stuck(watchdog: Watchdog, clock: Clock) -> None:
    heard_for(watchdog, clock, 10 * STUCK_S, lag=0)
    assert not watchdog.is_stuck()


def test_records_that_come_after_a_long_silence_have_their_full_time(
    watchdog: Watchdog, clock: Clock
) -> None:
    heard_for(watchdog, clock, 10 * STUCK_S, lag=0)
    heard_for(watchdog, clock, STUCK_S, lag=1)
    assert not watchdog.is_stuck()
    heard_for(watchdog, clock, 1, lag=1)
    assert watchdog.is_stuck()


def test_sweeps_that_are_finished_keep_a_backlog_from_being_stuck(watchdog: Watchdog, clock: Clock) -> None:
    for _ in range(20):
        heard_for(watchdog, clock, STUCK_S - 1, lag=100_000)
        watchdog.alive()
    assert not watchdog.is_stuck()


def test_a_lane_that_is_stuck_does_not_hide_behind_one_that_goes_on(watchdog: Watchdog, clock: Clock) -> None:
    watchdog.began(0)
    for _ in range(round(STUCK_S)):
        watchdog.began(1)
        heard_for(watchdog, clock, 1, lag=5)
        watchdog.ended(1)
    assert not watchdog.is_stuck()
    heard_for(watchdog, clock, 1, lag=5)
    assert watchdog.is_stuck()
    watchdog.alive(0)
    assert not watchdog.is_stuck()


def test_a_poller_that_has_fallen_silent_is_stuck_whatever_it_said_last(
    watchdog: Watchdog, clock: Clock
) -> None:
    watchdog.heard(0)
    watchdog.alive()
    clock.wait(STUCK_S)
    assert not watchdog.is_stuck()
    clock.wait(0.001)
    watchdog.alive()
    assert watchdog.is_stuck()


def test_the_time_to_start_is_not_counted(clock: Clock) -> None:
    watchdog = Watchdog(STUCK_S, lambda: None, clock=clock)
    clock.wait(10 * STUCK_S)
    watchdog.start()
    assert not watchdog.is_stuck()
    watchdog.stop()


def test_a_watchdog_that_was_started_ends_a_stuck_process_once(clock: Clock) -> None:
    ends: list[float] = []
    ended = Event()

    def end() -> None:
        ends.append(clock.now_s)
        ended.set()

    watchdog = Watchdog(0.004, end, clock=clock)
    watchdog.start()
    clock.wait(1.0)
    assert ended.wait(10)
    joined()
    assert ends == [1.0]


def test_a_watchdog_that_was_stopped_ends_nothing(clock: Clock) -> None:
    ended = Event()
    watchdog = Watchdog(0.004, ended.set, clock=clock)
    watchdog.stop()
    watchdog.start()
    clock.wait(1.0)
    joined()
    assert not ended.is_set()


def joined() -> None:
    """Until no watchdog runs any more."""
    for thread in enumerate_threads():
        if thread.name == "watchdog":
            thread.join(10)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LedgerUnavailable("Postgres failed"), EXIT_UNAVAILABLE),
        (KafkaUnavailable("the consumer failed"), EXIT_UNAVAILABLE),
        (OffsetsMissing("no offsets"), EXIT_HALT),
        (OutcomeUnknown("no answer"), EXIT_HALT),
        (AssignmentLost("gone"), EXIT_STUCK),
        (ModelRejected("no probability"), EXIT_STUCK),
        (ZeroDivisionError(), EXIT_STUCK),
    ],
)
def test_a_worker_that_fails_never_ends_as_if_all_were_well(error: BaseException, code: int) -> None:
    assert exit_code_of(error) == code
    assert code not in (0, 1)


@pytest.fixture
def exits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    codes: list[int] = []
    monkeypatch.setattr("os._exit", codes.append)
    return codes


def test_a_crash_says_why_and_what_to_do_and_ends_at_once(exits: list[int]) -> None:
    with capture_logs() as logs:
        crash(OffsetsMissing("the group has no offset", why="it expired", next_step="set it"))
    assert exits == [EXIT_HALT]
    assert [(entry["event"], entry["why"], entry["kind"]) for entry in logs] == [
        ("worker_ends", "the group has no offset. it expired. Next: set it", "OffsetsMissing")
    ]


def test_only_what_nobody_foresaw_is_shown_with_its_traceback(exits: list[int]) -> None:
    surprise = ZeroDivisionError()
    with capture_logs() as logs:
        crash(LedgerUnavailable("Postgres failed"))
        crash(surprise)
    assert [entry["exc_info"] for entry in logs] == [None, surprise]


def test_a_stuck_process_leaves_its_tracebacks(exits: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    dumped: list[bool] = []
    monkeypatch.setattr(faulthandler, "dump_traceback", lambda file: dumped.append(True))
    end_stuck_process()
    assert (dumped, exits) == ([True], [EXIT_STUCK])
