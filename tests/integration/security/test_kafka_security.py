"""Our clients reach a Kafka that asks who they are, may do there what their role does, and nothing else."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

from deploy.access import kafka_access
from deploy.stack import kafka_topics
from deploy.stack.errors import StackError
from deploy.stack.jars import by_jgo, cache_folder, fetch, locked_jars
from deploy.stack.report import Report
from deploy.stack.temporary import own_settings
from models.errors import BadSetting
from streams.kafka import outbox_config, producer_config, reader_config, worker_config
from streams.kafka_security import security_config
from streams.settings import Settings
from tests.e2e.command_line import PROGRAM, CommandLine
from tests.integration.security.certificates import Authority
from tests.integration.security.secure_kafka import SecureKafka, secure_kafka

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

USERS = {"worker": "worker's-password", "gateway": "gateway's-password", "auditor": "auditor's-password"}
PRINCIPALS = {name: f"User:{name}" for name in USERS}
WITHIN_S = 45.0
As = Callable[..., Settings]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    folder = tmp_path_factory.mktemp("kafka")
    settings = own_settings(folder, partitions=1)
    jars = by_jgo(settings.jars_repository)
    fetch(locked_jars(), cache_folder(settings), resolve=jars, report=Report())
    with secure_kafka(folder, settings, authority, USERS) as kafka:
        operator = own_settings(folder, partitions=1, kafka_bootstrap_servers=kafka.open)
        kafka_topics.ensure(kafka.open, operator)
        kafka_access.add(operator, PRINCIPALS)
        kafka_access.add(operator, {"gateway": "User:CN=gateway"})
        yield kafka


@pytest.fixture
def operator(kafka: SecureKafka, tmp_path: Path) -> Settings:
    return own_settings(tmp_path, partitions=1, kafka_bootstrap_servers=kafka.open)


@pytest.fixture
def acting(kafka: SecureKafka, authority: Authority, tmp_path: Path) -> As:
    def acting(name: str, password: str | None = None) -> Settings:
        return own_settings(
            tmp_path,
            partitions=1,
            kafka_bootstrap_servers=kafka.sasl,
            kafka_security_protocol="SASL_SSL",
            kafka_sasl_username=name,
            kafka_sasl_password=password or USERS[name],
            kafka_ca_file=authority.file,
        )

    return acting


def produced(settings: Settings, topic: str) -> KafkaError | None:
    """What came of sending one record."""
    told: list[KafkaError | None] = []
    # An idempotent one asks for a number of the cluster first, and ends where it is refused that.
    plain = {"delivery.timeout.ms": 10_000, "enable.idempotence": False}
    producer = Producer(producer_config(settings, "test") | plain)
    producer.produce(topic, b"{}", on_delivery=lambda error, message: told.append(error))
    producer.flush(WITHIN_S)
    return told[0]


def consumed(settings: Settings, topic: str) -> KafkaError | None:
    """What came of reading the beginning of a topic."""
    with closing(Consumer(reader_config(settings, settings.group_id))) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(WITHIN_S)
        assert message is not None
        error = message.error()
        return None if error is None or error.code() == KafkaError._PARTITION_EOF else error


def looked_at(settings: Settings, topic: str) -> KafkaError | None:
    """What came of asking for what a topic is."""
    with closing(Consumer(reader_config(settings, settings.group_id))) as consumer:
        error: KafkaError | None = consumer.list_topics(topic, WITHIN_S).topics[topic].error
        return error


def refused(error: KafkaError | None) -> bool:
    return error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_worker_reads_transactions_and_may_not_write_any(acting: As) -> None:
    worker = acting("worker")
    assert consumed(worker, "transactions") is None
    assert refused(produced(worker, "transactions"))


def test_a_worker_joins_its_group_and_sends_alerts_in_a_transaction_with_its_offsets(acting: As) -> None:
    worker = acting("worker")
    assert produced(acting("gateway"), "transactions") is None
    consumer, producer = Consumer(worker_config(worker)), Producer(outbox_config(worker))
    with closing(consumer):
        consumer.assign([TopicPartition("transactions", 0, 0)])
        message = consumer.poll(WITHIN_S)
        assert message is not None
        assert message.error() is None
        producer.init_transactions(WITHIN_S)
        producer.begin_transaction()
        for topic in ("alerts", "transactions.dlq", "labels.dlq", "labels"):
            producer.produce(topic, b"{}")
        offsets = [TopicPartition("transactions", 0, message.offset() + 1)]
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), WITHIN_S)
        producer.commit_transaction(WITHIN_S)


def test_a_gateway_sends_and_sees_neither_alerts_nor_transactions(acting: As) -> None:
    gateway = acting("gateway")
    assert produced(gateway, "labels") is None
    assert refused(produced(gateway, "alerts"))
    assert refused(consumed(gateway, "transactions"))
    assert refused(looked_at(gateway, "alerts"))
    assert consumed(gateway, "transactions.dlq") is None


def test_a_gateway_cannot_take_a_workers_partitions_or_its_slot(acting: As) -> None:
    gateway = acting("gateway")
    with closing(Consumer(worker_config(gateway))) as consumer:
        consumer.subscribe(["transactions.dlq"])
        message = consumer.poll(WITHIN_S)
        assert message is not None
        assert message.error().code() == KafkaError.GROUP_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException, match=r"Transactional Id authorization"):
        Producer(outbox_config(gateway)).init_transactions(WITHIN_S)


def test_the_background_check_reads_all_and_writes_nothing(acting: As) -> None:
    auditor = acting("auditor")
    topics = ("transactions", "labels", "alerts", "transactions.dlq", "labels.dlq")
    assert [consumed(auditor, topic) for topic in topics] == [None] * 5
    assert all(refused(produced(auditor, topic)) for topic in topics)


def test_nobody_but_the_operator_makes_topics(acting: As) -> None:
    worker = acting("worker").model_copy(update={"alerts_topic": "another"})
    with pytest.raises(StackError, match=r"Kafka refused.*uthorization"):
        kafka_topics.ensure(worker.kafka_bootstrap_servers, worker)


def test_rules_that_are_there_are_not_added_again(operator: Settings) -> None:
    before = kafka_access.compared(operator, PRINCIPALS)
    assert kafka_access.add(operator, PRINCIPALS) == 0
    assert kafka_access.compared(operator, PRINCIPALS) == before
    assert {each.state for each in before} == {"there"}
    assert [(each.role, each.kind, each.name, each.operation) for each in before] == [
        (each.role, each.kind, each.name, each.operation) for each in kafka_access.declared(operator)
    ]


def test_a_rule_that_is_missing_is_shown_and_then_added_alone(operator: Settings) -> None:
    new = {"worker": "User:worker-2"}
    assert {each.state for each in kafka_access.compared(operator, new)} == {"missing"}
    count = len(kafka_access.compared(operator, new))
    assert kafka_access.add(operator, new) == count
    one = AclBindingFilter(
        *(ResourceType.TOPIC, "alerts", ResourcePatternType.LITERAL, "User:worker-2", "*"),
        *(AclOperation.WRITE, AclPermissionType.ALLOW),
    )
    delete(operator, one)
    missing = [each for each in kafka_access.compared(operator, new) if each.state == "missing"]
    assert [(each.name, each.operation) for each in missing] == [("alerts", "write")]
    assert kafka_access.add(operator, new) == 1


def delete(operator: Settings, rules: AclBindingFilter) -> None:
    client = kafka_topics.admin(operator.kafka_bootstrap_servers)
    (future,) = client.delete_acls([rules]).values()
    assert len(future.result(WITHIN_S)) == 1


def test_a_rule_that_somebody_added_by_hand_is_shown_and_left(operator: Settings) -> None:
    principals = {"auditor": "User:auditor-2"}
    kafka_access.add(operator, principals)
    by_hand = AclBinding(
        *(ResourceType.TOPIC, "alerts", ResourcePatternType.LITERAL, "User:auditor-2", "*"),
        *(AclOperation.WRITE, AclPermissionType.ALLOW),
    )
    client = kafka_topics.admin(operator.kafka_bootstrap_servers)
    (future,) = client.create_acls([by_hand]).values()
    future.result(WITHIN_S)
    assert kafka_access.add(operator, principals) == 0
    (found,) = (each for each in kafka_access.compared(operator, principals) if each.state == "undeclared")
    assert found[1:7] == ("User:auditor-2", "topic", "alerts", "literal", "write", "allow")


def test_who_is_not_the_operator_neither_sees_nor_adds_rules(acting: As) -> None:
    for ask in (kafka_access.compared, kafka_access.add):
        with pytest.raises(StackError, match=r"does not let us see.*no right to describe.*super\.users"):
            ask(acting("worker"), PRINCIPALS)


def test_the_command_shows_the_rules_and_changes_nothing(kafka: SecureKafka, tmp_path: Path) -> None:
    line = CommandLine(tmp_path / "home")
    told = {"KAFKA_BOOTSTRAP_SERVERS": kafka.open, "FRAUDML_PARTITIONS": "1"}
    done = subprocess.run(
        [str(PROGRAM), "access", "--show", "--json", "--kafka", "gateway=User:gateway-9"],
        env=line.environment | told,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert {each["state"] for each in shown} == {"missing"}
    assert {each["principal"] for each in shown} == {"User:gateway-9"}


def test_a_wrong_password_is_told_in_one_line(acting: As) -> None:
    stranger = acting("worker", "not it, by far")
    with pytest.raises(StackError, match=r"do not trust each other.*uthentication failed.*FRAUDML_KAFKA_"):
        kafka_topics.partition_counts(stranger.kafka_bootstrap_servers, 10, security_config(stranger))


def test_a_broker_that_another_authority_has_signed_is_not_believed(acting: As, tmp_path: Path) -> None:
    other = acting("worker").model_copy(update={"kafka_ca_file": Authority(tmp_path, "other").file})
    with pytest.raises(StackError, match=r"do not trust each other.*certificate"):
        kafka_topics.partition_counts(other.kafka_bootstrap_servers, 10, security_config(other))


@pytest.fixture
def certified(kafka: SecureKafka, authority: Authority, tmp_path: Path) -> Callable[..., Settings]:
    def certified(name: str = "gateway", days: int = 1) -> Settings:
        certificate, key = authority.issue(name, days)
        return own_settings(
            tmp_path,
            partitions=1,
            kafka_bootstrap_servers=kafka.tls,
            kafka_security_protocol="SSL",
            kafka_ca_file=authority.file,
            kafka_certificate_file=certificate,
            kafka_key_file=key,
        )

    return certified


def test_a_certificate_says_who_a_client_is(certified: Callable[..., Settings]) -> None:
    gateway = certified()
    assert produced(gateway, "transactions") is None
    assert refused(consumed(gateway, "transactions"))


def test_a_certificate_that_has_expired_opens_nothing_and_that_is_told(
    certified: Callable[..., Settings],
) -> None:
    late = certified("late", days=-1)
    with pytest.raises(StackError, match=r"do not trust each other.*alert certificate.*dates"):
        kafka_topics.partition_counts(late.kafka_bootstrap_servers, 10, security_config(late))


def test_without_a_certificate_there_is_no_connection(certified: Callable[..., Settings]) -> None:
    nobody = certified().model_copy(update={"kafka_certificate_file": None, "kafka_key_file": None})
    with pytest.raises(StackError, match="do not trust each other"):
        kafka_topics.partition_counts(nobody.kafka_bootstrap_servers, 10, security_config(nobody))


def test_an_authority_that_has_expired_is_refused_before_anything_is_tried(
    acting: As, tmp_path: Path
) -> None:
    late = acting("worker").model_copy(update={"kafka_ca_file": Authority(tmp_path, "late", -1).file})
    with pytest.raises(BadSetting, match=r"late.pem cannot be used.*has expired.*FRAUDML_KAFKA_CA_FILE"):
        security_config(late)
