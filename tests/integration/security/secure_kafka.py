"""A Kafka as a cautious operator runs it: SCRAM over TLS on one port, client certificates on another, rules.
Its third port, for the operator, asks for nothing and listens to this machine alone."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.stack import kafka_topics
from deploy.stack.jars import cache_folder, locked_jars
from deploy.stack.kafka import CONF, java, new_cluster_id
from deploy.stack.ports import LOCALHOST, assign
from deploy.stack.waiting import until
from streams.settings import Settings
from tests.integration.security.certificates import Authority

READY_WITHIN_S = 90.0
STOP_WITHIN_S = 30.0

SECURE = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port},SASL_SSL://{host}:{sasl},SSL://{host}:{tls}
advertised.listeners=PLAINTEXT://{host}:{port},SASL_SSL://{host}:{sasl},SSL://{host}:{tls}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={scram} required;
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
ssl.truststore.type=PEM
ssl.truststore.location={truststore}
listener.name.ssl.ssl.client.auth=required
ssl.enabled.protocols=TLSv1.2,TLSv1.3
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS
"""


@dataclass(frozen=True)
class SecureKafka:
    """open: for the operator. sasl: SCRAM over TLS. tls: certificates on both sides."""

    open: str
    sasl: str
    tls: str


@contextmanager
def secure_kafka(
    folder: Path, settings: Settings, authority: Authority, users: dict[str, str]
) -> Iterator[SecureKafka]:
    """users: passwords by name."""
    names = ["kafka", "kafka-controller", "sasl", "tls"]
    ports = assign(names, {}, given={}).ports
    conf = folder / "kafka.properties"
    conf.write_text(_conf(folder, ports, authority))
    base = (str(java()), "-Xmx384m", "-cp", _class_path(settings))
    scram = [
        f"--add-scram=SCRAM-SHA-512=[name={name},password={password}]" for name, password in users.items()
    ]
    tool = (*base, "kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", str(conf), *scram)
    subprocess.run(tool, check=True, capture_output=True, timeout=60)
    with (folder / "kafka.log").open("wb") as log:
        process = subprocess.Popen((*base, "kafka.Kafka", str(conf)), stdout=log, stderr=log)
    try:
        address = f"{LOCALHOST}:{ports['kafka']}"
        until(lambda: process.poll() is not None or kafka_topics.cluster_id(address), within_s=READY_WITHIN_S)
        assert process.poll() is None
        yield SecureKafka(*(f"{LOCALHOST}:{ports[name]}" for name in ("kafka", "sasl", "tls")))
    except BaseException:
        sys.stderr.write((folder / "kafka.log").read_text()[-3000:])
        raise
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _conf(folder: Path, ports: dict[str, int], authority: Authority) -> str:
    certificate, key = authority.issue("broker")
    keystore = folder / "broker.pem"
    keystore.write_bytes(key.read_bytes() + certificate.read_bytes())
    plain = CONF.format(
        host=LOCALHOST,
        port=ports["kafka"],
        controller_port=ports["kafka-controller"],
        log_folder=folder / "kafka-data",
        max_bytes=3 << 20,
    )
    secure = SECURE.format(
        host=LOCALHOST,
        port=ports["kafka"],
        controller_port=ports["kafka-controller"],
        sasl=ports["sasl"],
        tls=ports["tls"],
        keystore=keystore,
        truststore=authority.file,
        scram="org.apache.kafka.common.security.scram.ScramLoginModule",
    )
    kept = [line for line in plain.splitlines() if "listener" not in line.partition("=")[0]]
    return "\n".join([*kept, "controller.listener.names=CONTROLLER", secure])


def _class_path(settings: Settings) -> str:
    return ":".join(str(cache_folder(settings) / jar.file) for jar in locked_jars())
