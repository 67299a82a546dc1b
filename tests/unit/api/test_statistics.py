"""What a monitoring page gets: whole intervals, never too many points, sums that add up."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from api.statistics import INTERVALS_S, LONGEST, MOST_POINTS, frame_of, statistics_of
from models.latency import LONGEST_S, counts_of
from streams.ledger.latencies import Taken
from streams.ledger.rounds import Round
from streams.ledger.statistics import Cell, Figures, Waiting

BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
moments = st.integers(0, 3 * 10**12).map(lambda each: BEGINNING + timedelta(milliseconds=each))
spans = st.integers(1, LONGEST // timedelta(milliseconds=1)).map(lambda each: timedelta(milliseconds=each))
NOBODY = Waiting(0, None)
COUNTED_AT = BEGINNING + timedelta(minutes=1)


def figures_of(
    cells: Sequence[tuple[datetime, Cell]], latencies: Sequence[Taken] = (), reconciled: Round | None = None
) -> Figures:
    return Figures(
        counted_at=COUNTED_AT,
        cells=cells,
        latencies=latencies,
        reconciled=reconciled,
        partitions=[],
        dead_letters=[],
        unclaimed=NOBODY,
        parked=NOBODY,
    )


@given(moments, spans)
def test_whole_intervals_cover_what_was_asked_for_with_few_points(since: datetime, span: timedelta) -> None:
    frame = frame_of(since, since + span)
    assert frame.since <= since
    assert since + span <= frame.until
    interval = timedelta(seconds=frame.interval_s)
    assert since - frame.since < interval
    assert frame.until - since - span < interval
    points = (frame.until - frame.since) / interval
    assert points == int(points) <= MOST_POINTS
    assert frame.since.timestamp() % frame.interval_s == 0


@given(moments, spans)
def test_no_shorter_interval_would_do(since: datetime, span: timedelta) -> None:
    frame = frame_of(since, since + span)
    shorter = [each for each in INTERVALS_S if each < frame.interval_s]
    if shorter:
        assert span / timedelta(seconds=shorter[-1]) > MOST_POINTS - 2


def test_shares_are_of_the_sums_and_an_empty_time_has_none() -> None:
    frame = frame_of(BEGINNING, BEGINNING + timedelta(minutes=2))
    first, second = BEGINNING, BEGINNING + timedelta(minutes=1)
    cells = [
        (first, Cell("champion", "stream", None, 90, 5, 5)),
        (first, Cell("challenger", "rest", "no_history", 100, 0, 0)),
        (second, Cell("champion", "stream", None, 0, 0, 50)),
    ]
    found = statistics_of(frame, figures_of(cells), [], None, [])
    assert [(each.at, each.decisions, each.alert_rate) for each in found.points] == [
        (first, 200, 0.05),
        (second, 50, 1.0),
    ]
    assert (found.decisions, found.alert_rate) == (250, 0.24)
    assert statistics_of(frame, figures_of([]), [], None, []).alert_rate == 0.0


def test_latencies_are_told_of_each_point_and_of_the_whole_by_path() -> None:
    frame = frame_of(BEGINNING, BEGINNING + timedelta(minutes=2))
    first, second = BEGINNING, BEGINNING + timedelta(minutes=1)
    latencies = [
        Taken(first, "rest", counts_of([0.02] * 10)),
        Taken(first, "stream", counts_of([0.005] * 99 + [0.03])),
        Taken(second, "stream", counts_of([0.03] * 300)),
    ]
    cells = [(first, Cell("champion", "stream", None, 100, 0, 0))]
    found = statistics_of(frame, figures_of(cells, latencies), [], None, [])
    told = [(each.path, each.count, near(each.p50_s), near(each.p99_s)) for each in found.latency]
    assert told == [("rest", 10, 0.02, 0.02), ("stream", 400, 0.03, 0.03)]
    assert [[each.count for each in point.latency] for point in found.points] == [[10, 100], [300]]
    stream = found.points[0].latency[1]
    assert [near(each) for each in (stream.p50_s, stream.p95_s, stream.p99_s)] == [0.005] * 3


def test_a_time_in_which_answers_were_only_told_again_has_a_point_too() -> None:
    """A request may end in the minute after its decision, and a decision may be told again days later."""
    frame = frame_of(BEGINNING, BEGINNING + timedelta(minutes=2))
    latencies = [Taken(BEGINNING, "rest", counts_of([100.0]))]
    (point,) = statistics_of(frame, figures_of([], latencies), [], None, []).points
    assert (point.at, point.decisions, point.cells) == (BEGINNING, 0, [])
    assert [each.p50_s for each in point.latency] == [LONGEST_S]


def near(seconds: float) -> float:
    """Of the values used here, the one that it can be."""
    return min((0.005, 0.02, 0.03), key=lambda each: abs(each - seconds) / each)


def test_when_it_was_counted_and_the_last_round_are_handed_on() -> None:
    last = Round(BEGINNING, 3, 1.5)
    figures = figures_of([], reconciled=last)
    found = statistics_of(frame_of(BEGINNING, BEGINNING + timedelta(minutes=2)), figures, [], None, [])
    assert (found.counted_at, found.reconcile) == (COUNTED_AT, last)
