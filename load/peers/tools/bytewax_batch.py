"""Bytewax, in the batches that its source hands on. It keeps its own offsets, in snapshots once a second;
those of the group say where it begins when it has none."""

from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage, KafkaSource
from bytewax.connectors.kafka import operators as kop
from bytewax.dataflow import Dataflow
from confluent_kafka import OFFSET_STORED

from load.peers.batch_job import BatchJob
from load.peers.means import Record
from streams.settings import read_settings

settings = read_settings()
job = BatchJob.of_this_process()
brokers = [settings.kafka_bootstrap_servers]


def decide(messages: list[Any]) -> list[Any]:
    alerts = job.do([Record(each.partition, each.offset, each.value) for each in messages])
    return [KafkaSinkMessage(alert.key, alert.value) for alert in alerts]


flow = Dataflow("decide")
source = KafkaSource(
    brokers,
    [settings.transactions_topic],
    starting_offset=OFFSET_STORED,
    add_config={"group.id": settings.group_id},
)
transactions = op.input("transactions", flow, source)
alerts = op.flat_map_batch("decide", transactions, decide)
kop.output("alerts", alerts, brokers=brokers, topic=settings.alerts_topic)
