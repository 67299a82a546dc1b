"""What the job is done with, in batches or one by one: models, Redis, Postgres; what comes, what goes."""

from typing import NamedTuple

from redis import Redis

from load.peers.place import Place
from models.ab_test import ABTestRouter, create_default_ab_config
from models.manifest import load_verified
from models.model_folder import ModelFolder
from models.policy import DEFAULT_POLICY
from models.scorer import Scorer
from streams.ledger.arrays import register
from streams.ledger.connection import TimedConnection
from streams.redis_client import client_options
from streams.settings import Settings

# A peer knows one topic, and no incarnations of it.
INCARNATION = 1
READ_BYTES = 1 << 20


class Record(NamedTuple):
    """One record of the topic of transactions."""

    partition: int
    offset: int
    value: bytes


class Outgoing(NamedTuple):
    """An alert, as it goes to its topic."""

    key: bytes
    value: bytes


def scorer_of(settings: Settings) -> Scorer:
    """The models that the worker of the same stack has, the same split, and the default policy."""
    folder = ModelFolder(settings.home / "models")
    split = create_default_ab_config()
    models = []
    for variant in split.variants:
        version = folder.remembered(variant.model_name, variant.alias) or ""
        models.append(load_verified(folder.folder(variant.model_name, version)))
    return Scorer(ABTestRouter(split), models, DEFAULT_POLICY)


def ledger_of(settings: Settings, place: Place) -> TimedConnection:
    connection = TimedConnection.connect(
        settings.database_url,
        autocommit=True,
        connect_timeout=10,
        options=f"-c search_path={place.schema},public -c synchronous_commit=on",
    )
    connection.numbers = {}
    register(connection)
    return connection


def redis_of(settings: Settings) -> Redis:
    return Redis.from_url(
        **client_options(settings.redis_url),
        single_connection_client=True,
        protocol=2,
        socket_timeout=settings.view_timeout_s,
        socket_connect_timeout=settings.view_timeout_s,
        socket_read_size=READ_BYTES,
    )
