import pytest

from deploy.doctor.findings import Level
from deploy.doctor.machine import python_version, supervised
from deploy.doctor.stores import (
    clock,
    durable,
    eviction,
    known_schema,
    ledger,
    redis_version,
    topic_partitions,
)
from deploy.stack.status import PartStatus
from streams.ledger.connection import SCHEMA
from streams.settings import Settings
from streams.topics import topics


def test_an_old_python_fails_with_what_to_do() -> None:
    assert python_version((3, 11, 7)).level is Level.OK
    finding = python_version((3, 10, 2))
    assert (finding.level, finding.fix) == (Level.FAIL, "make PYTHON=python3.11 setup")


@pytest.mark.parametrize(
    ("told", "level"),
    [
        ({"redis_version": "7.2.0"}, Level.OK),
        ({"redis_version": "7.0.15"}, Level.FAIL),
        ({"redis_version": "7.2.4", "valkey_version": "9.1.2"}, Level.OK),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.5"}, Level.FAIL),
        ({}, Level.FAIL),
    ],
)
def test_the_version_floor_is_redis_7_2_or_valkey_8(told: dict[str, object], level: Level) -> None:
    assert redis_version(told).level is level


def test_a_redis_that_may_drop_histories_fails() -> None:
    assert eviction("noeviction").level is Level.OK
    assert eviction("allkeys-lru").level is Level.FAIL


def test_a_ledger_that_forgets_what_it_acknowledged_fails() -> None:
    assert durable("on").level is Level.OK
    assert durable("off").level is Level.FAIL


def test_an_address_that_is_none_is_not_told_with_its_password(settings: Settings) -> None:
    wrong = settings.model_copy(update={"database_url": "postgresql+psycopg://fraud:hunter2@db/fraud_db"})
    (finding,) = ledger(wrong)
    assert finding.level is Level.FAIL
    assert "hunter2" not in finding.detail + finding.fix


def test_a_newer_schema_that_serves_us_is_not_told_to_be_ours() -> None:
    assert known_schema(SCHEMA).level is Level.OK
    finding = known_schema("9999")
    assert finding.level is Level.WARN
    assert finding.detail.startswith("9999, of a newer version")


def test_missing_topics_are_named(settings: Settings) -> None:
    counts = {topic.name: topic.partitions for topic in topics(settings)}
    assert topic_partitions(settings, counts).level is Level.OK
    del counts["labels"]
    finding = topic_partitions(settings, counts)
    assert (finding.level, finding.detail) == (Level.FAIL, "missing: labels")


def test_a_topic_with_other_partitions_fails(settings: Settings) -> None:
    counts = {topic.name: topic.partitions for topic in topics(settings)} | {"labels": 3}
    assert topic_partitions(settings, counts).level is Level.FAIL


def test_a_clock_that_is_off_is_a_warning() -> None:
    assert clock("redis", 100.5, now=lambda: 100.0).level is Level.OK
    assert clock("redis", 110.0, now=lambda: 100.0).level is Level.WARN


def part(state: str) -> PartStatus:
    return PartStatus("kafka", state, 7, "127.0.0.1:1", 1.0, 0)


def test_a_stack_whose_supervisor_was_killed_fails() -> None:
    assert supervised([part("running")]).level is Level.OK
    assert supervised([]).level is Level.OK
    assert supervised([part("backoff")]).level is Level.WARN
    assert supervised([part("unsupervised")]).level is Level.FAIL
