"""R6: committed offsets and watermarks stay behind the progress, that stays in the log; none goes back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from streams.ports import Ledger, View
from streams.reconcile.check import SHOWN, Check
from streams.reconcile.ports import Books, Topics
from streams.reconcile.seen import views_of
from streams.topics import Partition


@dataclass(frozen=True, slots=True)
class Standing:
    """How far everybody is with one partition.

    committed, committed_after: as read before and after everything else; None where the group
    has no offset. watermarks: by state group. first, last: the log holds the offsets [first, last).
    """

    name: str
    committed: int | None
    watermarks: Mapping[int, int]
    progress: int
    first: int
    last: int
    committed_after: int | None


@dataclass(frozen=True, slots=True)
class Standings:
    """All partitions. views: the view key of each state group."""

    ledger_id: str = ""
    views: Mapping[int, str] = field(default_factory=dict)
    of: Mapping[Partition, Standing] = field(default_factory=dict)


def standings(log: Topics, ledger: Ledger, view: View, topic_ids: Mapping[str, str]) -> Standings:
    """What must lie behind is read first: what is read later may only be further."""
    ledger_id, views = ledger.identity(), views_of(view, ledger)
    names = {
        Partition(topic_ids[topic], number): (topic, number)
        for topic in topic_ids
        for number in log.partitions(topic)
    }
    committed = {topic: log.committed(topic) for topic in topic_ids}
    groups = view.read(views, list(names), {}).groups
    progress = ledger.all_progress()
    ends = {topic: log.ends(topic) for topic in topic_ids}
    afterwards = {topic: log.committed(topic) for topic in topic_ids}
    views = {group: key for group, key in views.items() if groups[group].view == key}
    return Standings(
        ledger_id,
        views,
        {
            partition: Standing(
                f"{topic}/{number}",
                committed[topic].get(number),
                {group: groups[group].watermarks[partition] for group in views},
                progress.get(partition, 0),
                *ends[topic][number],
                afterwards[topic].get(number),
            )
            for partition, (topic, number) in names.items()
        },
    )


def judge(now: Standings, before: Standings, check: Check) -> None:
    """before: an earlier reading, or an empty one."""
    for partition, standing in now.of.items():
        check.checked += 1
        for what in _out_of_order(standing):
            check.find(f"{standing.name}: {what}")
        if before.ledger_id == now.ledger_id and partition in before.of:
            for what in _gone_back(standing, before.of[partition]):
                check.find(f"{standing.name}: {what}")


def has_fallen_back(now: Standings, before: Standings) -> bool:
    """Whether a view has lost what it had applied: no damage if its histories have lost the same."""
    return any(
        standing.watermarks[group] < before.of[partition].watermarks[group]
        for group, key in now.views.items()
        if before.views.get(group) == key
        for partition, standing in now.of.items()
        if partition in before.of
    )


def find_strays(books: Books, names: Mapping[str, str], check: Check) -> None:
    """What is recorded where nothing is settled. names: of topics, by their ids."""
    for stray in books.strays(SHOWN):
        topic = names.get(stray.partition.topic_id, stray.partition.topic_id)
        where = f"{topic}/{stray.partition.number}/{stray.offset}"
        check.find(f"{stray.what} is recorded at {where}, at or above the progress")


def _out_of_order(standing: Standing) -> Iterator[str]:
    progress, committed = standing.progress, standing.committed
    # A new group begins where the log does.
    if committed is not None and committed > max(progress, standing.first if not progress else 0):
        yield f"committed {committed} is past the ledger's progress {progress}"
    for group, watermark in standing.watermarks.items():
        if watermark > progress:
            yield f"watermark {watermark} of group {group} is past the ledger's progress {progress}"
    if progress > standing.last:
        yield f"the ledger's progress {progress} is past the log's end {standing.last}"
    if progress and standing.committed_after is None:
        yield f"the group has no committed offset, though the ledger's progress is {progress}"
    if standing.committed_after is not None and standing.committed_after < standing.first:
        yield f"the log begins at {standing.first}, and the group had only come to {standing.committed_after}"


def _gone_back(now: Standing, before: Standing) -> Iterator[str]:
    if now.progress < before.progress:
        yield f"the ledger's progress went back from {before.progress} to {now.progress}"
    if now.committed is not None and before.committed is not None and now.committed < before.committed:
        yield f"the committed offset went back from {before.committed} to {now.committed}"
