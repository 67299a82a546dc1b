"""What both programs on stock Faust share: the application and its topics."""

import faust

from streams.settings import read_settings

settings = read_settings()
app = faust.App(
    settings.group_id,
    broker=f"kafka://{settings.kafka_bootstrap_servers}",
    value_serializer="raw",
    web_enabled=False,
    topic_disable_leader=True,
    topic_allow_declare=False,
    consumer_auto_offset_reset="earliest",
    broker_session_timeout=10.0,
    broker_heartbeat_interval=3.0,
)
transactions = app.topic(settings.transactions_topic, value_type=bytes, value_serializer="raw")
alerts = app.topic(settings.alerts_topic, value_type=bytes, value_serializer="raw")
