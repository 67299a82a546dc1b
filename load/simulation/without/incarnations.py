"""Restored ledgers and remade topics that keep their names."""

from load.simulation.disasters import Disasters
from load.simulation.log import Topic
from load.simulation.schedule import Schedule
from load.simulation.without.patches import Patch


def restore_new_id() -> list[Patch]:
    """A restored ledger says that it is the old one."""
    restore = Disasters._restore

    def under_the_old_name(self: Disasters, schedule: Schedule) -> bool:
        before = schedule.ledger.ledger_id
        restored = restore(self, schedule)
        schedule.ledger.ledger_id = before
        return restored

    return [(Disasters, "_restore", under_the_old_name)]


def topic_id() -> list[Patch]:
    """A topic that is made again is taken for the old one."""
    remake = Disasters._remake_topic

    def under_the_old_id(self: Disasters, schedule: Schedule) -> None:
        before = {name: topic.topic_id for name, topic in schedule.kafka.topics.items()}
        remake(self, schedule)
        for name, topic in schedule.kafka.topics.items():
            schedule.kafka.topics[name] = Topic(name, before[name], topic.partitions)

    return [(Disasters, "_remake_topic", under_the_old_id)]
