"""What each store is told: configuration, command, environment."""

from pathlib import Path

from deploy.stack.kafka import Kafka, new_cluster_id
from deploy.stack.mlflow import Mlflow
from deploy.stack.part import Site
from deploy.stack.postgres import Postgres
from deploy.stack.valkey import Valkey
from models.history import RECORD
from streams.topics import topics


def properties(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}


def test_kafka_listens_on_this_machine_only(site: Site) -> None:
    conf = properties(Kafka(site).conf(Path("/data")))
    assert conf["listeners"] == "PLAINTEXT://127.0.0.1:15001,CONTROLLER://127.0.0.1:15002"
    assert conf["advertised.listeners"] == "PLAINTEXT://127.0.0.1:15001"
    assert conf["controller.quorum.voters"] == "1@127.0.0.1:15002"


def test_kafka_takes_the_largest_record_of_any_topic(site: Site) -> None:
    conf = properties(Kafka(site).conf(Path("/data")))
    largest = max(int(topic.config["max.message.bytes"]) for topic in topics(site.settings))
    assert int(conf["message.max.bytes"]) > largest
    assert conf["replica.fetch.max.bytes"] == conf["message.max.bytes"]


def test_kafka_makes_no_topic_by_itself_and_lets_workers_join_at_once(site: Site) -> None:
    conf = properties(Kafka(site).conf(Path("/data")))
    assert conf["auto.create.topics.enable"] == "false"
    assert conf["group.initial.rebalance.delay.ms"] == "0"
    assert conf["group.min.session.timeout.ms"] == "6000"
    assert conf["offsets.topic.num.partitions"] == conf["transaction.state.log.num.partitions"] == "8"


def test_java_is_given_exactly_the_locked_jars(site: Site) -> None:
    arguments = Kafka(site).java_arguments()
    assert "-Xmx512m" in arguments.splitlines()
    class_path = next(line for line in arguments.splitlines() if line.startswith("-cp "))
    assert class_path.count(".jar") == 45
    assert "*" not in class_path


def test_a_cluster_id_is_no_option_to_a_command_line() -> None:
    assert all(len(id) == 22 and not id.startswith("-") for id in (new_cluster_id() for _ in range(200)))


def test_valkey_keeps_what_it_is_given(site: Site) -> None:
    lines = Valkey(site).conf().splitlines()
    assert "appendonly yes" in lines
    assert "appendfsync everysec" in lines
    assert 'save ""' in lines
    assert "maxmemory-policy noeviction" in lines
    assert "bind 127.0.0.1" in lines


def test_postgres_acknowledges_only_what_is_on_disk_and_has_no_unix_socket(site: Site) -> None:
    conf = properties(Postgres(site).conf())
    assert conf["fsync"] == conf["synchronous_commit"] == "on"
    assert conf["unix_socket_directories"] == "''"
    assert conf["listen_addresses"] == "'127.0.0.1'"
    assert conf["password_encryption"] == "'scram-sha-256'"


def test_valkey_keeps_at_hand_what_a_sweep_frees_but_no_histories(site: Site) -> None:
    told = Valkey(site).program().environment["GLIBC_TUNABLES"]
    tunables = dict(each.removeprefix("glibc.malloc.").split("=") for each in told.split(":"))
    # Keys and records of customers and terminals, in the largest sweep: of two sizes.
    assert int(tunables["tcache_count"]) >= 2 * site.settings.sweep_max_records
    assert int(tunables["tcache_max"]) < 66 * RECORD.itemsize


def test_mlflow_is_told_its_database_in_the_environment(site: Site) -> None:
    program = Mlflow(site).program()
    assert program.environment["MLFLOW_BACKEND_STORE_URI"].startswith("postgresql+psycopg://mlflow:")
    assert program.environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert program.environment["MLFLOW_DISABLE_TELEMETRY"] == program.environment["DO_NOT_TRACK"] == "true"
    assert "--serve-artifacts" in program.command
