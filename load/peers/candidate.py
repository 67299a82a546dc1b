"""Ours and the peers, as the benchmark handles them: what is run, where it begins, where its traces are."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from redis import Redis

from load.bench.progress_watch import ProgressWatch
from load.bench.worker_process import ChildProcess, WorkerProcess
from load.peers.histories import copy_histories
from load.peers.peers import Peer
from load.peers.place import ALERTS, GROUP, PEER, Place
from load.peers.process import PeerProcess
from load.peers.watch import PeerWatch, empty_ledger, make_ledger
from streams.kafka import client_config, our_errors, reader_config
from streams.log_reader import LogReader
from streams.settings import Settings

Starts = Mapping[int, int]


@dataclass(frozen=True)
class Stores:
    """The stack's, as the benchmark itself speaks to them."""

    settings: Settings
    postgres: "psycopg.Connection[Any]"
    redis: Redis
    kafka: AdminClient
    log: LogReader

    def close(self) -> None:
        self.log.close()
        self.redis.close()
        self.postgres.close()


class Candidate(ABC):
    """name: in the table. process: what is measured. watch: how far it is."""

    name: str
    process: ChildProcess
    watch: ProgressWatch
    alerts_topic: str
    schema: str

    def at_most(self, transactions: int) -> int:
        """How many of a backlog it is given time for."""
        return transactions

    @abstractmethod
    def begin(self, starts: Starts) -> None:
        """Have its next start read from these offsets on."""

    @abstractmethod
    def prefix(self) -> str:
        """Of its histories."""

    @abstractmethod
    def close(self) -> None: ...


@dataclass
class Ours(Candidate):
    """It is where it was stopped; nothing has to be told."""

    process: WorkerProcess
    watch: ProgressWatch
    alerts_topic: str
    our_prefix: str
    name: str = "ours"
    schema: str = "public"

    def begin(self, starts: Starts) -> None:
        assert self.watch.now() == dict(starts), "each turn has been worked off to its end"

    def prefix(self) -> str:
        return self.our_prefix

    def close(self) -> None:
        self.process.kill()


class Rival(Candidate):
    """A peer: ledger, histories and alerts of its own; for each turn, a group and a folder of its own."""

    watch: PeerWatch
    process: PeerProcess

    def __init__(
        self, peer: Peer, stores: Stores, python: Path, folder: Path, told: Mapping[str, str]
    ) -> None:
        self.peer, self.name = peer, peer.name
        self.place = Place(peer.name)
        self.schema, self.alerts_topic = self.place.schema, self.place.alerts_topic
        self._stores, self._folder = stores, folder
        make_ledger(stores.postgres, self.place)
        _make_topic(stores, self.alerts_topic)
        settings = stores.settings
        self.watch = PeerWatch(settings.database_url, settings.transactions_topic, self.place)
        environment = {**told, PEER: peer.name, ALERTS: self.alerts_topic}
        self.process = PeerProcess(
            environment, folder / f"{peer.name}.log", peer.command[0], python=str(python), peer=peer
        )

    def at_most(self, transactions: int) -> int:
        return self.peer.at_most(transactions)

    def begin(self, starts: Starts) -> None:
        # A member that was killed stays in its group for seconds: nobody waits for it in a new one.
        group = f"{self.name}-{uuid.uuid4().hex[:8]}"
        _commit(self._stores, group, starts)
        empty_ledger(self._stores.postgres, self.place)
        self.watch.begin(starts)
        self.process = replace(
            self.process, environment={**self.process.environment, GROUP: group}, _process=None
        )
        self.process.prepare(self._folder / group)

    def take_histories(self, source: str) -> None:
        copy_histories(self._stores.redis, source, self.place)

    def prefix(self) -> str:
        return self.place.prefix

    def close(self) -> None:
        self.process.kill()
        self.watch.close()


def _make_topic(stores: Stores, name: str) -> None:
    timeout_s = stores.settings.kafka_timeout_s
    with our_errors("make a peer's topic"):
        for future in stores.kafka.create_topics([NewTopic(name, 1, 1)], request_timeout=timeout_s).values():
            future.result(2 * timeout_s)


def _commit(stores: Stores, group: str, starts: Starts) -> None:
    settings = stores.settings
    places = [TopicPartition(settings.transactions_topic, *start) for start in starts.items()]
    asked = [ConsumerGroupTopicPartitions(group, places)]
    with our_errors("set a peer's offsets"):
        for future in stores.kafka.alter_consumer_group_offsets(
            asked, request_timeout=settings.kafka_timeout_s
        ).values():
            future.result(2 * settings.kafka_timeout_s)


def stores_of(settings: Settings) -> Stores:
    return Stores(
        settings,
        psycopg.connect(settings.database_url, autocommit=True, connect_timeout=10),
        Redis.from_url(settings.redis_url, socket_timeout=10, socket_connect_timeout=10),
        AdminClient(client_config(settings, "bench-peers")),
        LogReader(reader_config(settings, "bench-peers"), settings.kafka_timeout_s),
    )
