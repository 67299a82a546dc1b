"""confluent-kafka, message by message: poll, do, store the offset; the client commits it now and then."""

from confluent_kafka import Consumer, Producer

from load.peers.event_job import EventJob
from load.peers.means import Record
from streams.settings import read_settings


def main() -> None:
    settings = read_settings()
    job = EventJob.of_this_process()
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "group.id": settings.group_id,
            "session.timeout.ms": 10_000,
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
        }
    )
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers})
    consumer.subscribe([settings.transactions_topic])
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error():
            continue
        for alert in job.do(Record(message.partition(), message.offset(), message.value())):
            producer.produce(settings.alerts_topic, alert.value, alert.key)
        producer.poll(0)
        consumer.store_offsets(message)


if __name__ == "__main__":
    main()
