"""Certificates of Kafka's clients and broker are replaced: processes restart in turn, no request fails."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from deploy.access import kafka_access
from deploy.stack import kafka_topics
from deploy.stack.errors import StackError
from deploy.stack.jars import by_jgo, cache_folder, fetch, locked_jars
from deploy.stack.report import Report
from deploy.stack.temporary import own_settings
from deploy.stack.waiting import until
from streams.kafka_security import security_config
from tests.e2e.command_line import CommandLine
from tests.e2e.gateways import known_key, running_gateway, wait_until_known
from tests.e2e.replays import install_models
from tests.e2e.rotations import SOON_S, Callers, asking, running, unclaimed
from tests.integration.security.certificates import Authority
from tests.integration.security.secure_kafka import SecureKafka, secure_kafka

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]

PARTITIONS = 2
ROLES = ("worker", "gateway")
KEYSTORE, TRUSTSTORE = (f"listener.name.ssl.ssl.{store}.location" for store in ("keystore", "truststore"))
UP = ("up", "--only", "valkey", "--only", "postgres", "--workers", "0", "--no-reconciler", "--no-gateway")
WITHIN_S = 20.0


@dataclass(frozen=True)
class Secured:
    """Postgres and Valkey of a stack, and a Kafka that asks for certificates. folder: of all files."""

    line: CommandLine
    kafka: SecureKafka
    authority: Authority
    folder: Path

    def told(self, role: str) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.tls,
            "FRAUDML_PARTITIONS": str(PARTITIONS),
            "FRAUDML_KAFKA_SECURITY_PROTOCOL": "SSL",
            "FRAUDML_KAFKA_CA_FILE": str(self.believed),
            "FRAUDML_KAFKA_CERTIFICATE_FILE": str(self.folder / f"{role}.crt"),
            "FRAUDML_KAFKA_KEY_FILE": str(self.folder / f"{role}.key"),
        }

    @property
    def believed(self) -> Path:
        return self.folder / "believed.pem"

    def believe(self, *authorities: Authority) -> None:
        self.believed.write_bytes(b"".join(each.file.read_bytes() for each in authorities))

    def gateway(self, name: str) -> AbstractContextManager[str]:
        return running_gateway(self.line, self.folder / f"gateway-{name}.log", self.told("gateway"))

    def worker(self, name: str) -> AbstractContextManager[int]:
        return running(self.line, "worker", self.folder / f"worker-{name}.log", self.told("worker"))


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("secured")
    line, authority = CommandLine(folder / "home"), Authority(folder)
    install_models(line.home)
    settings = own_settings(folder, partitions=PARTITIONS)
    fetch(locked_jars(), cache_folder(settings), resolve=by_jgo(settings.jars_repository), report=Report())
    try:
        line.ok(*UP)
        with secure_kafka(folder, settings, authority, {}) as kafka:
            operator = settings.model_copy(update={"kafka_bootstrap_servers": kafka.open})
            kafka_topics.ensure(kafka.open, operator)
            kafka_access.add(operator, {role: f"User:CN={role}" for role in ROLES})
            yield Secured(line, kafka, authority, folder)
    finally:
        line.ok("down", "--data")


def test_certificates_to_kafka_are_rotated_without_a_failed_request(secured: Secured) -> None:
    (apart := secured.folder / "apart").mkdir()
    second = Authority(apart, "second")
    issue_all(secured)
    secured.believe(secured.authority)
    first, workers, gateways = (ExitStack() for _ in range(3))
    with workers, gateways, first:
        workers.enter_context(secured.worker("1"))
        address = first.enter_context(secured.gateway("1"))
        key = known_key(secured.line, address, "score:write", "decisions:read")
        with asking(address, key) as callers:
            # New certificates of clients, and both authorities: one process after the other, each anew.
            issue_all(secured)
            secured.believe(secured.authority, second)
            replaced = joined(gateways, secured, callers, "2")
            callers.addresses.remove(address)
            first.close()
            workers.close()
            workers.enter_context(secured.worker("2"))
            callers.go_on()

            # The broker's, by the other authority; then that alone is believed.
            show(secured, second)
            secured.believe(second)
            assert_shown_by(secured, second)
            joined(gateways, secured, callers, "3")
            callers.addresses.remove(replaced)
            workers.close()
            workers.enter_context(secured.worker("3"))
            callers.go_on()
            assert callers.failures == []
        assert callers.failures == []
        until(lambda: unclaimed(secured.line) == 0, within_s=SOON_S)


def issue_all(secured: Secured) -> None:
    for role in ROLES:
        secured.authority.issue(role)


def joined(running_ones: ExitStack, secured: Secured, callers: Callers, name: str) -> str:
    """Another gateway, which callers are sent to as well once it knows their key."""
    address = running_ones.enter_context(secured.gateway(name))
    wait_until_known(address, callers.key)
    callers.addresses.append(address)
    return address


def show(secured: Secured, second: Authority) -> None:
    """The broker takes another certificate of its name, without a restart; it must believe it itself."""
    truststore, keystore = secured.folder / "both.pem", secured.folder / "broker-2.pem"
    truststore.write_bytes(secured.authority.file.read_bytes() + second.file.read_bytes())
    certificate, key = second.issue("broker")
    keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
    client = kafka_topics.admin(secured.kafka.open)
    for name, file in ((TRUSTSTORE, truststore), (KEYSTORE, keystore)):
        entry = ConfigEntry(name, str(file), incremental_operation=AlterConfigOpType.SET)
        broker = ConfigResource(ResourceType.BROKER, "1", incremental_configs=[entry])
        (done,) = client.incremental_alter_configs([broker]).values()
        done.result(WITHIN_S)


def assert_shown_by(secured: Secured, authority: Authority) -> None:
    """Who believes this authority alone is let in, and who believes the other one alone sees a stranger."""
    told = own_settings(
        secured.folder,
        kafka_bootstrap_servers=secured.kafka.tls,
        kafka_security_protocol="SSL",
        kafka_ca_file=authority.file,
        kafka_certificate_file=secured.folder / "gateway.crt",
        kafka_key_file=secured.folder / "gateway.key",
    )
    assert kafka_topics.partition_counts(secured.kafka.tls, WITHIN_S, security_config(told))
    old = told.model_copy(update={"kafka_ca_file": secured.authority.file})
    with pytest.raises(StackError, match="do not trust each other"):
        kafka_topics.partition_counts(secured.kafka.tls, 5.0, security_config(old))
