"""Several workers that set out on a backlog together: each has its partitions, and none has begun."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from load.bench.accounts import Accounts
from load.bench.worker_process import WorkerProcess
from load.chaos.faults.fault import suspended
from models.errors import Unavailable
from streams.kafka import our_errors

# Who has left without a word is missed by Kafka for so long; then everybody joins anew.
SETTLED_WITHIN_S = 90.0
ASK_EVERY_S = 0.2


@dataclass(frozen=True)
class Crew:
    """workers: each in a slot of its own."""

    workers: Sequence[WorkerProcess]

    def start(self) -> None:
        for worker in self.workers:
            worker.start()

    def stop(self) -> None:
        """Whatever becomes of one of them, none goes on."""
        with ExitStack() as stopping:
            for worker in self.workers:
                stopping.callback(worker.stop)

    def check(self) -> None:
        for worker in self.workers:
            worker.check()

    def rss_mb(self) -> float:
        """Of all together."""
        return sum(worker.rss_mb() for worker in self.workers)

    def accounts(self) -> Accounts:
        return Accounts({f"worker-{worker.slot}": worker.process for worker in self.workers})

    @contextmanager
    def held(self, at_most_s: float) -> Iterator[None]:
        """They hold still.

        Raises:
            Unavailable: for longer than `at_most_s`: Kafka has given their partitions away.
        """
        began_s = time.perf_counter()
        with suspended(*(worker.process() for worker in self.workers)):
            yield
        if (took_s := time.perf_counter() - began_s) > at_most_s:
            raise Unavailable(
                f"workers were held for {took_s:.0f} s while their backlog was produced",
                why=f"Kafka takes them for dead after {at_most_s:.0f} s",
                next_step="measure fewer transactions",
            )


class Group:
    """The consumer group, as its coordinator sees it."""

    def __init__(self, admin: AdminClient, name: str, topic: str, timeout_s: float) -> None:
        self._admin = admin
        self._name = name
        self._topic = topic
        self._timeout_s = timeout_s

    def settle(self, crew: Crew, partitions: int) -> None:
        """Wait until each of a crew has its share.

        Raises:
            Unavailable: one has ended, or it has taken too long.
        """
        until_s = time.perf_counter() + SETTLED_WITHIN_S
        while not shared_out(self.shares(), len(crew.workers), partitions):
            crew.check()
            if time.perf_counter() > until_s:
                raise Unavailable(f"{len(crew.workers)} workers have not shared out the partitions")
            time.sleep(ASK_EVERY_S)

    def shares(self) -> Mapping[str, int]:
        """Partitions of the topic by member; nothing while the group is being made up."""
        with our_errors("describe the group of the workers"):
            asked = self._admin.describe_consumer_groups([self._name], request_timeout=self._timeout_s)
            found = asked[self._name].result(2 * self._timeout_s)
        if found.state is not ConsumerGroupState.STABLE:
            return {}
        return {
            member.member_id: sum(each.topic == self._topic for each in member.assignment.topic_partitions)
            for member in found.members
        }


def shared_out(shares: Mapping[str, int], members: int, partitions: int) -> bool:
    """Whether there are so many, all partitions are theirs, and none has two more than another."""
    counts = shares.values()
    return len(shares) == members and sum(counts) == partitions and max(counts) - min(counts) <= 1
