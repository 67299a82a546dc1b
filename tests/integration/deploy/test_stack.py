"""The embedded stack as a whole, on real servers."""

import os
import shutil
import signal
import socket
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from deploy.stack import kafka_topics
from deploy.stack.errors import NotRunning, StackError
from deploy.stack.stack import Stack
from deploy.stack.state import read_state
from deploy.stack.temporary import own_settings, temporary_stack
from deploy.stack.valkey import Valkey
from deploy.stack.waiting import until
from deploy.stack.workers import STORES
from streams.secret_files import pepper_of
from streams.topics import topics
from tests.integration.deploy.stacks import (
    kill_supervisor,
    no_schema,
    pid_of,
    ports_of,
    processes_of,
    small_stack,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


def test_every_store_answers_at_the_address_that_settings_tell(stack: Stack) -> None:
    settings = stack.settings
    with redis.Redis.from_url(settings.redis_url, socket_timeout=5) as view:
        assert view.ping()
    with psycopg.connect(settings.database_url, connect_timeout=5) as ledger:
        assert ledger.execute("show synchronous_commit").fetchone() == ("on",)
    assert kafka_topics.cluster_id(settings.kafka_bootstrap_servers)


def test_the_ledgers_log_is_in_small_files(stack: Stack) -> None:
    with psycopg.connect(stack.settings.database_url, connect_timeout=5) as ledger:
        assert ledger.execute("SHOW wal_segment_size").fetchone() == ("4MB",)


def test_the_topics_are_there_with_their_partitions(stack: Stack) -> None:
    counts = kafka_topics.partition_counts(stack.settings.kafka_bootstrap_servers)
    assert {topic.name: topic.partitions for topic in topics(stack.settings)}.items() <= counts.items()
    assert counts["transactions"] == counts["labels"] == 2


def test_a_password_is_needed(stack: Stack) -> None:
    host, _, port = stack.status()[1].address.partition(":")
    stranger = redis.Redis(host=host, port=int(port), socket_timeout=5, retry=Retry(NoBackoff(), 0))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_the_pepper_of_keys_is_made_for_the_stacks_account_alone(stack: Stack) -> None:
    pepper = stack.home / "secrets" / "key-pepper"
    assert (pepper.stat().st_mode & 0o777, pepper.stat().st_uid) == (0o600, stack.home.stat().st_uid)
    assert pepper_of(stack.settings, never) == pepper.read_bytes()


def never(count: int) -> bytes:
    raise AssertionError("a second one was made")


def test_status_shows_what_runs(stack: Stack) -> None:
    found = {part.part: part for part in stack.status()}
    assert list(found) == list(STORES)
    assert {part.state for part in found.values()} <= {"running", "starting"}
    assert all(part.pid and psutil.pid_exists(part.pid) for part in found.values())


def test_a_second_up_starts_nothing(stack: Stack) -> None:
    before = {part.part: part.pid for part in stack.status()}
    assert stack.up(STORES, workers=0) == ()
    assert {part.part: part.pid for part in stack.status()} == before


def test_no_part_runs_as_root_and_no_argument_is_a_secret(stack: Stack) -> None:
    secrets = [path.read_text() for path in (stack.home / "secrets").iterdir()]
    for process in processes_of(stack.home):
        assert process.uids().effective != 0
        assert not [secret for secret in secrets if secret in " ".join(process.cmdline())]


def test_a_part_that_is_killed_is_started_again(stack: Stack) -> None:
    first = stack.pid("valkey")
    os.kill(first, signal.SIGKILL)
    until(lambda: pid_of(stack, "valkey") not in (None, first), within_s=20)
    stack.wait_ready("valkey", within_s=20)
    assert {part.part: part.restarts for part in stack.status()} == {"kafka": 0, "valkey": 1, "postgres": 0}


def test_a_part_can_be_restarted_in_good_order(stack: Stack) -> None:
    first = stack.pid("postgres")
    stack.restart("postgres")
    assert stack.pid("postgres") != first


def test_other_partitions_than_the_topics_have_are_refused(stack: Stack) -> None:
    other = Stack(stack.home, settings=own_settings(stack.home, partitions=3), migrate=no_schema)
    with pytest.raises(StackError, match="topic transactions has 2 partitions, not 3"):
        other.up(STORES, workers=0)
    assert all(part.pid for part in stack.status())


def test_two_stacks_run_side_by_side_and_leave_nothing_behind(stack: Stack) -> None:
    with temporary_stack(("valkey", "postgres"), migrate=no_schema) as other:
        assert not ports_of(stack) & ports_of(other)
        with redis.Redis.from_url(other.env()["REDIS_URL"], socket_timeout=5) as view:
            view.set("mark", "of the other")
        with redis.Redis.from_url(stack.env()["REDIS_URL"], socket_timeout=5) as view:
            assert view.get("mark") is None
        home = other.home
    assert processes_of(home) == []
    assert not home.exists()
    assert all(part.pid for part in stack.status())


def test_what_was_written_is_there_after_down_and_up(tmp_path: Path) -> None:
    stack = small_stack(tmp_path)
    stack.up(("valkey", "postgres"), workers=0)
    try:
        with redis.Redis.from_url(stack.env()["REDIS_URL"], socket_timeout=5) as view:
            view.set("mark", "kept")
        assert stack.down()
        assert processes_of(stack.home) == []
        with pytest.raises(NotRunning):
            stack.env()
        stack.up(("valkey", "postgres"), workers=0)
        with redis.Redis.from_url(stack.env()["REDIS_URL"], socket_timeout=5) as view:
            assert view.get("mark") == b"kept"
    finally:
        stack.down(remove_data=True)
    assert processes_of(stack.home) == []
    assert not stack.home.exists()


def test_down_on_nothing_is_nothing(tmp_path: Path) -> None:
    assert small_stack(tmp_path).down() is False


@pytest.mark.parametrize("then", ["down", "up"])
def test_what_a_killed_supervisor_left_is_found(tmp_path: Path, then: str) -> None:
    stack = small_stack(tmp_path)
    stack.up(("valkey", "postgres"), workers=0)
    try:
        before = {part.pid for part in stack.status()}
        kill_supervisor(stack)
        assert {part.state for part in stack.status()} == {"unsupervised"}
        if then == "up":
            assert stack.up(("valkey", "postgres"), workers=0) == ("valkey", "postgres")
            assert {part.state for part in stack.status()} <= {"running", "starting"}
            assert not before & {part.pid for part in stack.status()}
        else:
            assert stack.down()
            assert processes_of(stack.home) == []
    finally:
        stack.down(remove_data=True)


def test_a_supervisor_whose_socket_was_cleaned_away_is_stopped_all_the_same(tmp_path: Path) -> None:
    stack = small_stack(tmp_path)
    stack.up(("valkey", "postgres"), workers=0)
    shutil.rmtree(read_state(stack.home / "state.json").socket_folder)
    assert stack.down(remove_data=True)
    assert processes_of(stack.home) == []


def test_what_kafka_refuses_is_told_in_its_words(stack: Stack) -> None:
    settings = stack.settings.model_copy(update={"replication": 3, "alerts_topic": "others"})
    with pytest.raises(StackError, match=r"Kafka refused\. .*replication factor"):
        kafka_topics.ensure(settings.kafka_bootstrap_servers, settings)


def test_a_first_start_that_was_killed_half_way_is_done_again(tmp_path: Path) -> None:
    stack = small_stack(tmp_path)
    half_made = stack.home / "data" / "postgres.unfinished"
    half_made.mkdir(parents=True)
    (half_made / "PG_VERSION").write_text("18\n")
    stack.up(("postgres",), workers=0)
    try:
        assert not half_made.exists()
    finally:
        stack.down(remove_data=True)


def test_a_port_that_was_taken_meanwhile_is_chosen_again(tmp_path: Path) -> None:
    stack = small_stack(tmp_path)
    stack.up(("valkey",), workers=0)
    try:
        (first,) = ports_of(stack)
        stack.down()
        with socket.create_server(("127.0.0.1", first)):
            stack.up(("valkey",), workers=0)
            assert ports_of(stack) != {first}
    finally:
        stack.down(remove_data=True)


def test_a_failed_up_stops_what_it_had_started(tmp_path: Path) -> None:
    def refuse(settings: object) -> None:
        raise StackError("the schema is from the future")

    stack = Stack(tmp_path / "home", settings=own_settings(tmp_path / "home"), migrate=refuse)
    with pytest.raises(StackError, match="from the future"):
        stack.up(("postgres",), workers=0)
    assert processes_of(stack.home) == []
    with pytest.raises(NotRunning):
        stack.env()


def test_a_part_that_cannot_run_is_told_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Valkey, "ready_within_s", 3)
    stack = small_stack(tmp_path)
    stack.up(("valkey",), workers=0)
    stack.down()
    (stack.home / "data" / "valkey" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense")
    with pytest.raises(StackError, match=r"valkey was not ready within 3 s\..*its log ends"):
        stack.up(("valkey",), workers=0)
    assert processes_of(stack.home) == []
    stack.down(remove_data=True)
