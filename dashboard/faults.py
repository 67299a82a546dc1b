"""What is wrong, and what to do about it, in plain words: from one answer about the last minutes."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from dashboard.headway import Place
from dashboard.recent import RECENT, Document, Recent
from dashboard.wording import about, ago, seconds

STANDS_S = 30.0
MOST_LAG, LEAST_GROWING_LAG = 10_000, 1_000
LONGEST_WITHOUT_A_ROUND = timedelta(minutes=5)
LONGEST_WITHOUT_A_RECORD = timedelta(minutes=1)
MINUTES = f"in the last {RECENT.seconds // 60} minutes"
WITHOUT = {
    "no_history": "See whether Redis answers and is whole: fraudml status, fraudml logs valkey",
    "no_model": "See whether MLflow answers and a model is promoted: fraudml status, fraudml models list",
}


class Fault(NamedTuple):
    """urgent: decisions suffer from it, or what is kept cannot be trusted. next_step: an imperative."""

    what: str
    next_step: str
    urgent: bool = True


def faults_of(recent: Recent) -> list[Fault]:
    """The most urgent first."""
    found = [fault for look in LOOKS for fault in look(recent)]
    return sorted(found, key=lambda fault: not fault.urgent)


def _unasked(recent: Recent) -> Iterator[Fault]:
    for name in recent.stats["unavailable"]:
        what = f"{str(name).capitalize()} cannot be asked: what waits is not known"
        yield Fault(what, f"See whether it runs: fraudml status, fraudml logs {name}")


def _standing(recent: Recent) -> Iterator[Fault]:
    still = [place for place, way in recent.ways.items() if way.still_s >= STANDS_S]
    if still:
        longest_s = max(recent.ways[place].still_s for place in still)
        words = f"{_places(still)} stand still for {seconds(round(longest_s, -1))} with records that wait"
        yield Fault(
            words, "See whether its worker runs, or has stopped it: fraudml status, fraudml dlq stopped"
        )


def _without_model(recent: Recent) -> Iterator[Fault]:
    if recent.stats["in_force"] is None:
        words = "No model is in force in the gateway: it decides by the amount alone"
        yield Fault(words, "Promote one, and see whether MLflow answers: fraudml models list, fraudml status")


def _found(recent: Recent) -> Iterator[Fault]:
    last = recent.stats["reconcile"]
    if last is not None and last["findings"]:
        words = f"The background check has {about(last['findings'])} findings"
        yield Fault(words, "See what disagrees: fraudml reconcile, fraudml logs reconciler")


def _degraded(recent: Recent) -> Iterator[Fault]:
    by_reason: Counter[str] = Counter()
    for point in recent.stats["points"]:
        for cell in point["cells"]:
            if cell["degraded_reason"]:
                by_reason[cell["degraded_reason"]] += cell["approve"] + cell["review"] + cell["decline"]
    for reason, number in by_reason.most_common():
        words = f"{about(number)} decisions {MINUTES} were made with less than everything ({reason})"
        yield Fault(words, WITHOUT.get(reason, "See the logs of workers and gateway: fraudml logs"))


def _unrecorded(recent: Recent) -> Iterator[Fault]:
    waiting = recent.stats["unclaimed_answers"]
    if waiting["count"] and _is_older(waiting["oldest_at"], recent.now, LONGEST_WITHOUT_A_RECORD):
        since = ago(waiting["oldest_at"], recent.now).removesuffix(" ago")
        words = (
            f"{about(waiting['count'])} answers of the gateway wait for their record, the oldest for {since}"
        )
        yield Fault(words, "See whether Kafka takes records and workers run: fraudml status", urgent=False)


def _lagging(recent: Recent) -> Iterator[Fault]:
    """What stands still is told already."""
    for topic, lanes in _by_topic(recent.stats["partitions"]).items():
        moving = [lane for lane in lanes if recent.ways[_place(lane)].still_s < STANDS_S]
        lags = [lane["lag"] for lane in moving if lane["lag"] is not None]
        grows = any(recent.ways[_place(lane)].grows for lane in moving)
        if sum(lags) >= MOST_LAG or (grows and sum(lags) >= LEAST_GROWING_LAG):
            words = f"{about(sum(lags))} records of {topic} wait" + (
                ", and they become more" if grows else ""
            )
            yield Fault(words, "If it goes on, run more workers: fraudml up --workers N", urgent=grows)


def _unchecked(recent: Recent) -> Iterator[Fault]:
    last = recent.stats["reconcile"]
    begin = "See whether it runs: fraudml status, fraudml logs reconciler"
    if last is None:
        yield Fault("The background check has ended no round yet", begin, urgent=False)
    elif _is_older(last["finished_at"], recent.now, LONGEST_WITHOUT_A_ROUND):
        words = f"The background check has ended no round for {ago(last['finished_at'], recent.now)}"
        yield Fault(words.removesuffix(" ago"), begin, urgent=False)


def _dead(recent: Recent) -> Iterator[Fault]:
    by_reason: Counter[str] = Counter()
    for each in recent.stats["dead_letters"]:
        by_reason[each["reason"]] += each["count"]
    if by_reason:
        kinds = ", ".join(f"{reason} {about(number)}" for reason, number in by_reason.most_common(3))
        words = f"{about(by_reason.total())} dead letters {MINUTES}: {kinds}"
        yield Fault(words, "See what they hold: Operations, Dead letters", urgent=False)


# In the order of their urgency.
LOOKS: Sequence[Callable[[Recent], Iterator[Fault]]] = (
    _standing,
    _unasked,
    _without_model,
    _found,
    _degraded,
    _lagging,
    _unrecorded,
    _unchecked,
    _dead,
)


def _by_topic(partitions: Sequence[Document]) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for each in partitions:
        found.setdefault(each["topic"], []).append(each)
    return found


def _place(lane: Document) -> Place:
    return lane["topic"], lane["partition"]


def _places(places: Sequence[Place]) -> str:
    topics: dict[str, list[str]] = {}
    for topic, partition in sorted(places):
        topics.setdefault(topic, []).append(str(partition))
    return " and ".join(f"{topic} {', '.join(numbers)}" for topic, numbers in topics.items())


def _is_older(text: Any, now: datetime, than: timedelta) -> bool:
    return now - datetime.fromisoformat(text) > than
