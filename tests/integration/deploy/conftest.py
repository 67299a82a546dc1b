"""One small stack for all tests that do not break it; those that do make their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from deploy.stack.stack import Stack
from deploy.stack.temporary import temporary_stack
from streams.settings import Settings
from tests import builders
from tests.builders import label
from tests.integration.deploy.archives import JUNE, OLD, payment
from tests.integration.deploy.stacks import no_schema
from tests.integration.streams.traffic import RealTraffic
from tests.stores import empty_ledger, empty_view

BUCKET = "backups"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Kafka, Valkey and Postgres."""
    with temporary_stack(migrate=no_schema, partitions=2) as stack:
        yield stack


@pytest.fixture
def keeping(own_topics: Settings, ledger_url: str, own_keyspace: str, tmp_path: Path) -> Settings:
    """Settings of stores of its own, by which older months leave."""
    empty_view(own_keyspace)
    own = {"database_url": ledger_url, "redis_url": own_keyspace, "home": tmp_path / "home"}
    return own_topics.model_copy(update={**own, "keep_decisions_days": 40})


@pytest.fixture
def aged(keeping: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[RealTraffic]:
    """Seven transactions that were decided in June, a label on one; three of now, of 100 days later."""
    world = RealTraffic(keeping)
    with monkeypatch.context() as patch:
        patch.setattr(builders, "NOW", JUNE)
        world.send(*(payment(name, day=n) for n, name in enumerate(OLD)))
    world.label(label("old-1"))
    world.send(*(payment(f"new-{n}", day=100 + n) for n in range(3)))
    yield world
    world.close()
    empty_ledger(keeping.database_url)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An S3 on this machine, with one bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    import boto3  # type: ignore[import-untyped]

    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    client.close()
    yield f"s3://{BUCKET}/fraud"
    server.stop()
