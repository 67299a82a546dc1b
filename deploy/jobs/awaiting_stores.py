"""Waiting for the stores of a deployment to come up, with a line for each that is not there yet."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import redis

from deploy import migrations
from deploy.stack import kafka_topics
from deploy.stack.report import Report
from deploy.stack.waiting import SYSTEM_CLOCK, Clock, TimedOut, until
from models.errors import RegistryUnavailable, Unavailable, ViewUnavailable
from streams.kinds_of_settings import masked
from streams.redis_servers import Server, each_server
from streams.settings import Settings

EVERY_S = 1.0
ANSWERS_WITHIN_S = 5.0


@dataclass(frozen=True)
class Awaited:
    """setting: by which it is found. probe: true once it serves."""

    name: str
    address: str
    setting: str
    probe: Callable[[], bool]


def stores_awaited(settings: Settings, *, registry: bool) -> list[Awaited]:
    found = [
        Awaited("Postgres", settings.database_url, "DATABASE_URL", lambda: _postgres(settings)),
        Awaited("Redis", settings.redis_url, "REDIS_URL", lambda: _redis(settings)),
        Awaited(
            "Kafka", settings.kafka_bootstrap_servers, "KAFKA_BOOTSTRAP_SERVERS", lambda: _kafka(settings)
        ),
    ]
    mlflow = settings.mlflow_tracking_uri
    if registry:
        found.append(Awaited("MLflow", mlflow, "MLFLOW_TRACKING_URI", lambda: _mlflow(mlflow)))
    return found


def await_stores(stores: list[Awaited], report: Report, within_s: float, clock: Clock = SYSTEM_CLOCK) -> None:
    """One after the other, each for as long as `within_s`.

    Raises:
        Unavailable: one was not there in time; says which, and why.
    """
    for store in stores:
        _await(store, report, within_s, clock)


def _await(store: Awaited, report: Report, within_s: float, clock: Clock) -> None:
    try:
        until(store.probe, within_s=0, clock=clock)
        return
    except TimedOut as not_yet:
        report.note(
            f"waiting for {store.name} at {masked(store.address)}, {within_s:.0f} s at most: {not_yet}"
        )
    try:
        until(store.probe, within_s=within_s, clock=clock, every_s=EVERY_S)
    except TimedOut as late:
        raise Unavailable(
            f"{store.name} was not ready within {within_s:.0f} s",
            why=str(late),
            next_step=f"start it, or set {store.setting} to where it is",
        ) from None
    report.note(f"{store.name} is ready")


def _postgres(settings: Settings) -> bool:
    migrations.current(settings)
    return True


def _redis(settings: Settings) -> bool:
    """Each node of a cluster, and that they serve together."""
    try:
        with each_server(settings.redis_url, ANSWERS_WITHIN_S) as servers:
            return all(_serves(server) for server in servers)
    except redis.RedisError as error:
        raise ViewUnavailable("Redis does not answer", why=str(error)) from None


def _serves(server: Server) -> bool:
    if not server.name:
        return bool(server.client.ping())
    return server.cluster_info()["cluster_state"] == "ok"


def _kafka(settings: Settings) -> bool:
    return bool(kafka_topics.cluster_id(settings.kafka_bootstrap_servers, ANSWERS_WITHIN_S))


def _mlflow(address: str) -> bool:
    try:
        answer = httpx.get(f"{address.rstrip('/')}/health", timeout=ANSWERS_WITHIN_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RegistryUnavailable("MLflow does not answer", why=str(error)) from None
    if not answer.is_success:
        raise RegistryUnavailable("MLflow is not well", why=f"it answers {answer.status_code}")
    return True
