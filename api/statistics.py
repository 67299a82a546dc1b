"""What a monitoring page shows: counts of decisions over time, what lags, what waits, what is in force."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from api.latencies import Latency, latency_of
from models.scorer import Scorer
from streams.ledger.latencies import Taken
from streams.ledger.rounds import Round
from streams.ledger.statistics import Cell, Dead, Figures, Lane, Waiting

# A point stands for one of these, the shortest that gives no more than so many points.
INTERVALS_S = (60, 300, 900, 3600, 4 * 3600, 24 * 3600)
MOST_POINTS = 200
LONGEST = timedelta(
    seconds=INTERVALS_S[-1] * (MOST_POINTS - 1)
)  # an interval more, where it begins within one


class Point(msgspec.Struct, frozen=True):
    """What was decided from `at` on, for one interval; none where nothing was decided or answered."""

    at: datetime
    decisions: int
    alert_rate: float
    cells: list[Cell]
    latency: list[Latency]


class InForce(msgspec.Struct, frozen=True):
    """share: of the customers, 0 to 1."""

    variant: str
    share: float
    model_name: str
    model_version: str


class Rules(msgspec.Struct, frozen=True):
    policy_version: str
    ab_version: str
    variants: list[InForce]


class Statistics(msgspec.Struct, frozen=True, kw_only=True):
    """since, until: whole intervals around what was asked for; points and dead letters are of that time.
    counted_at: when, by the ledger's clock: what rates between two answers go by. in_force: in the process
    that answers; None while it has no model. reconcile: the last round of the background check; None before
    the first. unavailable: what could not be asked.
    """

    since: datetime = msgspec.field(name="from")
    until: datetime = msgspec.field(name="to")
    interval_s: int
    counted_at: datetime
    decisions: int
    alert_rate: float
    latency: list[Latency]
    points: list[Point]
    partitions: Sequence[Lane]
    dead_letters: Sequence[Dead]
    unclaimed_answers: Waiting
    parked_labels: Waiting
    in_force: Rules | None
    reconcile: Round | None
    unavailable: list[str]


class Frame(msgspec.Struct, frozen=True):
    """Whole intervals from `since` to `until`."""

    since: datetime
    until: datetime
    interval_s: int


def frame_of(since: datetime, until: datetime) -> Frame:
    """The shortest intervals that cover a time with at most MOST_POINTS points. The time: at most LONGEST."""
    for interval_s in INTERVALS_S:
        first, last = int(since.timestamp() // interval_s), int(-(-until.timestamp() // interval_s))
        if last - first <= MOST_POINTS:
            break
    return Frame(
        datetime.fromtimestamp(first * interval_s, UTC),
        datetime.fromtimestamp(last * interval_s, UTC),
        interval_s,
    )


def statistics_of(
    frame: Frame,
    figures: Figures,
    partitions: Sequence[Lane],
    scorer: Scorer | None,
    unavailable: list[str],
) -> Statistics:
    """partitions: those of the figures, with what Kafka says."""
    points = list(_points(figures.cells, figures.latencies))
    decisions = sum(point.decisions for point in points)
    alerts = sum(_alerts(cell) for _, cell in figures.cells)
    return Statistics(
        since=frame.since,
        until=frame.until,
        interval_s=frame.interval_s,
        counted_at=figures.counted_at,
        decisions=decisions,
        alert_rate=_share(alerts, decisions),
        latency=latency_of(figures.latencies),
        points=points,
        partitions=partitions,
        dead_letters=figures.dead_letters,
        unclaimed_answers=figures.unclaimed,
        parked_labels=figures.parked,
        in_force=rules_in(scorer) if scorer else None,
        reconcile=figures.reconciled,
        unavailable=unavailable,
    )


def rules_in(scorer: Scorer) -> Rules:
    pairs = zip(scorer.variants, scorer.models, strict=True)
    return Rules(
        scorer.policy.version,
        scorer.router.config.version,
        [InForce(variant.name, variant.weight, model.name, model.version) for variant, model in pairs],
    )


def _points(cells: Sequence[tuple[datetime, Cell]], latencies: Sequence[Taken]) -> Iterator[Point]:
    decided: defaultdict[datetime, list[Cell]] = defaultdict(list)
    for at, cell in cells:
        decided[at].append(cell)
    taken: defaultdict[datetime, list[Taken]] = defaultdict(list)
    for each in latencies:
        taken[each.at].append(each)
    for at in sorted(decided.keys() | taken.keys()):
        here = decided[at]
        decisions = sum(cell.approve + _alerts(cell) for cell in here)
        yield Point(at, decisions, _share(sum(map(_alerts, here)), decisions), here, latency_of(taken[at]))


def _alerts(cell: Cell) -> int:
    return cell.review + cell.decline


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
