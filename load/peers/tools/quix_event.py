"""Quix Streams, message by message: a function of the stream, and a topic that its results go to."""

from quixstreams import Application, message_context

from load.peers.event_job import EventJob
from load.peers.means import Outgoing, Record
from streams.settings import read_settings


def main() -> None:
    settings = read_settings()
    job = EventJob.of_this_process()
    app = Application(
        settings.kafka_bootstrap_servers,
        consumer_group=settings.group_id,
        auto_offset_reset="earliest",
        consumer_extra_config={"session.timeout.ms": 10_000},
        auto_create_topics=False,
        loglevel="WARNING",
    )
    transactions = app.topic(
        settings.transactions_topic, value_deserializer="bytes", key_deserializer="bytes"
    )
    alerts = app.topic(settings.alerts_topic, value_serializer="bytes", key_serializer="bytes")

    def decide(value: bytes) -> list[Outgoing]:
        context = message_context()
        return job.do(Record(context.partition, context.offset, value))

    stream = app.dataframe(transactions).apply(decide, expand=True)
    stream.apply(lambda alert: alert.value).to_topic(alerts)
    app.run()


if __name__ == "__main__":
    main()
