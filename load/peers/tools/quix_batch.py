"""Quix Streams, in batches: all that the job does is done by a sink of its own, at each checkpoint."""

from confluent_kafka import Producer
from quixstreams import Application
from quixstreams.sinks import BatchingSink, SinkBatch

from load.peers.batch_job import BatchJob
from load.peers.means import Record
from streams.settings import Settings, read_settings

BATCH = 500
WITHIN_S = 0.05


class Decisions(BatchingSink):
    def __init__(self, job: BatchJob, settings: Settings) -> None:
        super().__init__()
        self._job = job
        self._topic = settings.alerts_topic
        self._producer = Producer({"bootstrap.servers": settings.kafka_bootstrap_servers, "linger.ms": 0})

    def write(self, batch: SinkBatch) -> None:
        records = [Record(batch.partition, item.offset, item.value) for item in batch]
        for alert in self._job.do(records):
            self._producer.produce(self._topic, alert.value, alert.key)
        self._producer.flush(10)


def main() -> None:
    settings = read_settings()
    app = Application(
        settings.kafka_bootstrap_servers,
        consumer_group=settings.group_id,
        auto_offset_reset="earliest",
        consumer_extra_config={"session.timeout.ms": 10_000},
        commit_interval=WITHIN_S,
        commit_every=BATCH,
        consumer_poll_timeout=WITHIN_S / 5,
        auto_create_topics=False,
        loglevel="WARNING",
    )
    transactions = app.topic(
        settings.transactions_topic, value_deserializer="bytes", key_deserializer="bytes"
    )
    app.dataframe(transactions).sink(Decisions(BatchJob.of_this_process(), settings))
    app.run()


if __name__ == "__main__":
    main()
