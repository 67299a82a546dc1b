"""Whether partitions move, stand still or fall behind, over looks."""

from dashboard.headway import HOLES, Headway, Way
from tests.unit.dashboard.asked import lane

HERE = ("transactions", 0)


def _over(*looks: tuple[float, int, int | None]) -> Way:
    """looks: when, settled, lag."""
    headway, found = Headway(), {}
    for at_s, settled, lag in looks:
        found = headway.of([lane(settled=settled, lag=lag)], at_s)
    return found[HERE]


def test_the_first_look_tells_no_pace() -> None:
    assert _over((1000.0, 5, 9)) == Way(None, 0.0, grows=False)


def test_the_pace_is_what_was_settled_since_the_first_look() -> None:
    assert _over((1000.0, 100, 0), (1010.0, 600, 0)).settled_per_s == 50.0


def test_a_partition_whose_records_wait_and_of_which_none_is_settled_stands_still() -> None:
    assert _over((1000.0, 100, 50), (1015.0, 100, 60), (1040.0, 100, 90)).still_s == 40.0


def test_it_stands_still_since_it_last_moved() -> None:
    assert _over((1000.0, 90, 50), (1010.0, 100, 60), (1040.0, 100, 90)).still_s == 30.0


def test_where_nothing_waits_nothing_stands_still() -> None:
    assert _over((1000.0, 100, 0), (1040.0, 100, 0)).still_s == 0.0


def test_ends_of_transactions_wait_for_nothing() -> None:
    assert _over((1000.0, 100, HOLES), (1040.0, 100, HOLES)).still_s == 0.0
    assert _over((1000.0, 100, HOLES + 1), (1040.0, 100, HOLES + 1)).still_s == 40.0


def test_it_does_not_stand_still_while_kafka_cannot_say_what_waits() -> None:
    assert _over((1000.0, 100, 50), (1040.0, 100, None)).still_s == 0.0


def test_a_lag_that_rises_all_the_time_grows() -> None:
    assert _over(*((1000.0 + 5 * step, 100 * step, 1000 * step) for step in range(8))).grows


def test_a_lag_that_rises_and_falls_does_not_grow() -> None:
    assert not _over(*((1000.0 + 5 * step, 100 * step, 500 * (step % 2)) for step in range(8))).grows


def test_a_short_look_tells_no_trend() -> None:
    assert not _over(*((1000.0 + step, 100 * step, 1000 * step) for step in range(8))).grows


def test_what_is_older_than_a_minute_is_forgotten() -> None:
    assert _over((1000.0, 0, 0), (1050.0, 500, 0), (1070.0, 900, 0)).settled_per_s == 20.0


def test_an_older_answer_that_comes_late_changes_nothing() -> None:
    headway = Headway()
    headway.of([lane(settled=100)], 1000.0)
    headway.of([lane(settled=600)], 1010.0)
    assert headway.of([lane(settled=550)], 1009.0)[HERE].settled_per_s == 50.0
    assert headway.of([lane(settled=700)], 1012.0)[HERE].settled_per_s == 50.0


def test_a_partition_that_is_new_is_looked_at_from_then_on() -> None:
    headway = Headway()
    headway.of([lane(0)], 1000.0)
    found = headway.of([lane(0), lane(1)], 1010.0)
    assert found["transactions", 1].settled_per_s is None
