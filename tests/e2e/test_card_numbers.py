"""A card number that somebody sends, in any field and by either path, is kept nowhere."""

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition
from psycopg import sql
from redis import Redis

from deploy.jobs.connections import ids_of_topics, ledger_of
from deploy.stack.waiting import until
from streams.kafka import client_config, producer_config
from streams.settings import Settings
from tests.builders import encoded, label, transaction
from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.stack

# Of this module alone: other tests send others.
CARD = "5105105105105100"
WRITTEN = (CARD, "5105 1051 0510 5100", "5105-1051-0510-5100")
SOON_S = 60.0


def documents(make: Any) -> Iterator[dict[str, Any]]:
    """A document with the card number in each of its fields, and under a name of its own."""
    good = make(f"card-{uuid.uuid4().hex}")
    for written in WRITTEN:
        yield from (good | {name: written} for name in good)
        yield good | {"comment": written}
        yield good | {written: "a name"}
    for value in ({"a": CARD}, {CARD: 1}, {"a": int(CARD)}, {"a": f"paid with {CARD}."}):
        yield good | {"attributes": value}


@pytest.fixture(scope="module")
def sent(fraudml: CommandLine, caller: httpx.Client) -> Settings:
    """Everything has been sent by both paths, and workers are past it."""
    settings = fraudml.stack.settings
    payments, labels = list(documents(transaction)), list(documents(label))
    for payment in payments:
        for path in ("/v1/score", "/v1/transactions"):
            assert caller.post(path, json=payment).status_code == 422
    assert caller.post("/v1/transactions:batch", json=payments).status_code == 200
    for each in labels:
        assert caller.post("/v1/labels", json=each).status_code == 422
    caller.get(f"/v1/decisions/{CARD}", headers={"X-Request-ID": CARD, "X-API-Key": CARD})
    caller.get(f"/v1/{CARD}", params={"card": CARD})
    # So many good ones that those of other tests are no flood together with ours.
    good = [transaction(f"good-{uuid.uuid4().hex}") for _ in range(1000 * settings.partitions)]
    _produced(settings, "transactions", good)
    places = [*_produced(settings, "transactions", payments), *_produced(settings, "labels", labels)]
    assert until(lambda: _past(settings, places), within_s=SOON_S, every_s=0.5)
    return settings


def _produced(settings: Settings, topic: str, found: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """Partition and offset of each, spread over the partitions."""
    producer = Producer(producer_config(settings, "cards"))
    places: list[tuple[str, int, int]] = []
    for number, document in enumerate(found):
        producer.produce(
            topic,
            encoded(document),
            b"any" if "good" in document["transaction_id"] else CARD.encode(),
            number % settings.partitions,
            on_delivery=lambda error, sent: places.append((topic, sent.partition(), sent.offset())),
        )
    producer.flush(SOON_S)
    return places


def _past(settings: Settings, places: list[tuple[str, int, int]]) -> bool:
    ids = ids_of_topics(settings)
    with ledger_of(settings) as ledger:
        reached = {topic: ledger.progress(ids[topic], range(settings.partitions)) for topic in ids}
    return all(reached[topic][number] > offset for topic, number, offset in places)


def test_redis_does_not_hold_it(sent: Settings) -> None:
    with Redis.from_url(sent.redis_url) as redis:
        assert [key for key in redis.scan_iter() if CARD.encode() in key] == []
        strings = [key for key in redis.scan_iter() if redis.type(key) == b"string"]
        assert [key for key in strings if CARD.encode() in (redis.get(key) or b"")] == []


def test_no_table_holds_it(sent: Settings) -> None:
    """Bytes too, which are told in hexadecimal digits."""
    with psycopg.connect(sent.database_url) as connection:
        tables = [
            row[0]
            for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        assert "decisions" in tables
        for table in tables:
            for pattern in (*WRITTEN, CARD.encode().hex()):
                question = sql.SQL("SELECT count(*) FROM {} AS found WHERE found::text LIKE %s")
                row = connection.execute(question.format(sql.Identifier(table)), [f"%{pattern}%"]).fetchone()
                assert row == (0,), (table, pattern)


def test_no_log_holds_it(sent: Settings, gateway_log: Any) -> None:
    files = [*(sent.home / "logs").iterdir(), gateway_log]
    assert len(files) > 3
    held = [file.name for file in files for written in WRITTEN if written.encode() in file.read_bytes()]
    assert held == []


def test_no_topic_but_the_senders_own_holds_it(sent: Settings) -> None:
    consumer = Consumer(client_config(sent, "cards") | {"group.id": "cards", "enable.partition.eof": True})
    topics = consumer.list_topics(timeout=20).topics
    places = [
        TopicPartition(name, number, OFFSET_BEGINNING)
        for name, topic in topics.items()
        if name not in (sent.transactions_topic, sent.labels_topic)
        for number in topic.partitions
    ]
    assert {place.topic for place in places} >= {"alerts", "transactions.dlq", "labels.dlq"}
    consumer.assign(places)
    read, ended = 0, 0
    while ended < len(places):
        message = consumer.poll(20)
        assert message is not None, "Kafka does not answer"
        if message.error() is not None:
            assert message.error().code() == KafkaError._PARTITION_EOF
            ended += 1
            continue
        read += 1
        headers = b"|".join(value or b"" for _, value in message.headers() or ())
        held = b"|".join((message.key() or b"", message.value() or b"", headers))
        assert not any(written.encode() in held for written in WRITTEN), (message.topic(), message.offset())
    consumer.close()
    assert read > len(WRITTEN)
