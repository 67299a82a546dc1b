import pytest

from deploy.doctor.clocks import clock
from deploy.doctor.findings import Finding, Level
from deploy.doctor.machine import python_version, supervised
from deploy.doctor.redis_servers import cluster_state, evenest, eviction, redis_version, spread
from deploy.doctor.stores import durable, known_schema, ledger, topic_partitions
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


WELL = {
    "cluster_state": "ok",
    "cluster_slots_assigned": "16384",
    "cluster_slots_pfail": "0",
    "cluster_slots_fail": "0",
}


@pytest.mark.parametrize(
    ("change", "level"),
    [
        ({}, Level.OK),
        ({"cluster_state": "fail"}, Level.FAIL),
        ({"cluster_slots_assigned": "16383"}, Level.FAIL),
        ({"cluster_slots_fail": "1"}, Level.FAIL),
        ({"cluster_slots_pfail": "5461"}, Level.WARN),
    ],
)
def test_a_cluster_is_as_well_as_its_least_content_primary(change: dict[str, str], level: Level) -> None:
    found = cluster_state({"one:1": WELL, "two:1": WELL | change}, replicas=2)
    assert found.level is level
    assert found.level is Level.OK or "two:1" in found.detail


def thirds() -> dict[str, frozenset[int]]:
    return {name: frozenset(range(n * 5462, min(16384, (n + 1) * 5462))) for n, name in enumerate("abc")}


def test_groups_that_leave_a_primary_idle_are_warned_of_with_a_number_that_does_not() -> None:
    for groups in (1, 2):
        found = spread(thirds(), groups)
        assert found.level is Level.WARN
        assert f"FRAUDML_STATE_GROUPS={evenest(thirds())} " in found.fix
    assert spread(thirds(), evenest(thirds())) == Finding("state groups", Level.OK, "3, by primary 1, 1, 1")


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
