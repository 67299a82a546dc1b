"""confluent-kafka, in batches: consume what waits, do it, wait for its alerts, commit."""

from confluent_kafka import Consumer, Producer

from load.peers.batch_job import BatchJob
from load.peers.means import Record
from streams.settings import read_settings

BATCH = 500
# `consume` waits for so many messages or for so long.
WITHIN_S = 0.01


def main() -> None:
    settings = read_settings()
    job = BatchJob.of_this_process()
    consumer = Consumer(
        {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "group.id": settings.group_id,
            "session.timeout.ms": 10_000,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers, "linger.ms": 0})
    consumer.subscribe([settings.transactions_topic])
    while True:
        messages = [each for each in consumer.consume(BATCH, WITHIN_S) if not each.error()]
        if not messages:
            continue
        for alert in job.do([Record(each.partition(), each.offset(), each.value()) for each in messages]):
            producer.produce(settings.alerts_topic, alert.value, alert.key)
        producer.flush(10)
        consumer.commit(asynchronous=False)


if __name__ == "__main__":
    main()
