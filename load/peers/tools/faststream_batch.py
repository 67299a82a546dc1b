"""FastStream on confluent-kafka, in batches. By default it acknowledges before the handler has run and loses
what the handler fails on; here it acknowledges what was handled."""

import asyncio

from faststream import AckPolicy, FastStream
from faststream.confluent import KafkaBroker, KafkaMessage

from load.peers.batch_job import BatchJob
from load.peers.means import Record
from streams.settings import read_settings

settings = read_settings()
job = BatchJob.of_this_process()
broker = KafkaBroker(settings.kafka_bootstrap_servers, allow_auto_create_topics=False)


@broker.subscriber(
    settings.transactions_topic,
    group_id=settings.group_id,
    batch=True,
    max_records=500,
    polling_interval=0.01,
    auto_offset_reset="earliest",
    ack_policy=AckPolicy.NACK_ON_ERROR,
    decoder=lambda message: message.body,
)
async def decide(values: list[bytes], message: KafkaMessage) -> None:
    raw = message.raw_message
    alerts = job.do([Record(each.partition(), each.offset(), each.value()) for each in raw])
    await asyncio.gather(
        *(broker.publish(alert.value, settings.alerts_topic, key=alert.key) for alert in alerts)
    )


if __name__ == "__main__":
    asyncio.run(FastStream(broker).run())
