"""docs/bad-input.md on a real Kafka: every dead letter bears the bytes that came, and good records go by."""

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import httpx
import pytest
from confluent_kafka import KafkaException, Producer

from deploy.jobs.connections import ids_of_topics, ledger_of, log_of
from deploy.stack.waiting import until
from models.decision import DecidedTransaction
from models.transaction import CARD_NUMBER
from streams.kafka import producer_config
from streams.letters import Letter, letters
from streams.settings import Settings
from tests.builders import encoded, transaction
from tests.e2e.command_line import CommandLine
from tests.unit.streams.test_codecs import BAD, ODD

pytestmark = pytest.mark.stack

SOON_S = 30.0
TOPIC = "transactions"
AHEAD = "a time more than five minutes ahead"
KEY = b"\xff any key"
IN_A_ROW = 60


@dataclass
class Sender:
    """Produces to partitions by number, and looks at what becomes of it."""

    settings: Settings
    places: dict[tuple[int, int], bytes | None] = field(default_factory=dict)

    def send(self, values: Sequence[bytes | None], partition: int | None = None) -> list[tuple[int, int]]:
        """Partition and offset of each; spread over all partitions if none is given."""
        producer = Producer(producer_config(self.settings, "bad-input"))
        places: list[tuple[int, int]] = []
        for number, value in enumerate(values):
            to = number % self.settings.partitions if partition is None else partition
            producer.produce(TOPIC, value, KEY, to, on_delivery=lambda error, m: places.append(_place(m)))
            producer.flush(SOON_S)
        return places

    def settled(self, places: Sequence[tuple[int, int]]) -> bool:
        """Whether a worker is past them all."""
        topic_id = ids_of_topics(self.settings)[TOPIC]
        with ledger_of(self.settings) as ledger:
            progress = ledger.progress(topic_id, list({number for number, _ in places}))
        return all(progress[number] > offset for number, offset in places)

    def letters(self, places: Sequence[tuple[int, int]]) -> list[Letter | None]:
        """The dead letter of each."""
        with log_of(self.settings) as log:
            found = {
                (letter.partition, letter.offset): letter
                for letter in letters(log, self.settings.dead_letter_topic(TOPIC))
            }
        return [found.get(place) for place in places]

    def decision(self, name: str) -> DecidedTransaction | None:
        with ledger_of(self.settings) as ledger:
            return ledger.decision(name)


def _place(message: Any) -> tuple[int, int]:
    return message.partition(), message.offset()


@pytest.fixture(scope="module")
def sender(fraudml: CommandLine) -> Sender:
    return Sender(fraudml.stack.settings)


def soon(ready: Callable[[], Any]) -> Any:
    return until(ready, within_s=SOON_S, every_s=0.2)


def own_id(document: Any) -> tuple[str, bytes]:
    """The same document under an id of its own."""
    name = f"odd-{uuid.uuid4()}"
    value = encoded(document) or b""
    return name, value.replace(b'"tx-1"', b'"%s"' % name.encode()).replace(b'"good"', b'"%s"' % name.encode())


def test_what_can_never_be_decided_is_a_dead_letter_with_its_key_and_bytes(sender: Sender) -> None:
    ahead = transaction(event_time=(datetime.now(UTC) + timedelta(minutes=10)).isoformat())
    documents = [ahead if name == AHEAD else document for name, document, _ in BAD]
    values = [encoded(document) for document in documents]
    places = sender.send(values)
    soon(lambda: sender.settled(places))
    found = soon(lambda: all(seen := sender.letters(places)) and seen)
    # Of a card number nothing is kept.
    hashed = sha256(KEY).hexdigest().encode()
    assert [(each.reason, each.key, each.value) for each in found] == [
        (reason, hashed, None) if reason == CARD_NUMBER else (reason, KEY, value)
        for (_, _, reason), value in zip(BAD, values, strict=True)
    ]


def test_odd_but_sound_records_are_decided(sender: Sender) -> None:
    sent = [own_id(document) for _, document in ODD]
    places = sender.send([value for _, value in sent])
    soon(lambda: sender.settled(places))
    assert [
        name
        for (name, _), found in zip(sent, map(sender.decision, [n for n, _ in sent]), strict=True)
        if not found
    ] == []


def test_the_same_record_three_times_is_decided_once(fraudml: CommandLine, sender: Sender) -> None:
    before = duplicates(fraudml, "duplicate")
    name, value = own_id(transaction())
    places = sender.send([value] * 3)
    soon(lambda: sender.settled(places))
    assert sender.decision(name) is not None
    soon(lambda: duplicates(fraudml, "duplicate") == before + 2)


def duplicates(fraudml: CommandLine, kind: str) -> float:
    """Records whose id was decided before, by the worker's metrics."""
    name = f'fraud_duplicates_total{{kind="{kind}"}} '
    return sum(float(line.removeprefix(name)) for line in metrics_of(fraudml) if line.startswith(name))


def metrics_of(fraudml: CommandLine) -> list[str]:
    (url,) = [part.metrics_url for part in fraudml.stack.status() if part.part == "worker-0"]
    return httpx.get(url, timeout=5, trust_env=False).text.splitlines()


def test_of_two_bodies_under_one_id_the_first_one_stands(fraudml: CommandLine, sender: Sender) -> None:
    before = duplicates(fraudml, "conflict")
    name, value = own_id(transaction(amount_minor=1999))
    places = sender.send([value, value.replace(b"1999", b"2000")], partition=0)
    soon(lambda: sender.settled(places))
    soon(lambda: duplicates(fraudml, "conflict") == before + 1)
    found = sender.decision(name)
    assert found is not None
    assert found.amount_minor == 1999


@pytest.mark.parametrize("megabytes", [1.1, 10])
def test_what_is_larger_than_a_record_may_be_is_refused_by_kafka(sender: Sender, megabytes: float) -> None:
    value = b" " * int(megabytes * 1_000_000)
    failures: list[Any] = []
    config = producer_config(sender.settings, "oversized") | {"message.max.bytes": 20_000_000}
    producer = Producer(config)
    try:
        producer.produce(TOPIC, value, KEY, on_delivery=lambda error, _: failures.append(error.name()))
        producer.flush(SOON_S)
    except KafkaException as error:
        failures.append(error.args[0].name())
    assert failures == ["MSG_SIZE_TOO_LARGE"]


@pytest.fixture(scope="module")
def flood(sender: Sender) -> list[tuple[int, int]]:
    """Sixty malformed records in a row, and a good one behind them, on the last partition."""
    number = sender.settings.partitions - 1
    return sender.send([b"{oops %d" % n for n in range(IN_A_ROW)] + [own_id(transaction())[1]], number)


def test_a_flood_stops_its_partition_and_no_other(
    fraudml: CommandLine, sender: Sender, flood: list[tuple[int, int]]
) -> None:
    (stopped,) = soon(lambda: json.loads(fraudml.run("dlq", "stopped", "--json").stdout))
    number, first = flood[0]
    assert (stopped["topic"], stopped["partition"], stopped["reason"]) == (TOPIC, number, "not_json")
    assert first <= stopped["offset"] < first + 50
    places = sender.send([own_id(transaction())[1]], partition=0)
    soon(lambda: sender.settled(places))
    assert not sender.settled(flood[-1:])
    assert fraudml.run("dlq", "stopped").returncode == 4
    assert soon(lambda: stopped_by_metrics(fraudml)) == [f'partition="{number}",topic="{TOPIC}"']


def stopped_by_metrics(fraudml: CommandLine) -> list[str]:
    """The partitions that the worker's metrics call stopped."""
    name = "fraud_partition_stopped{"
    return [line[len(name) :].partition("}")[0] for line in metrics_of(fraudml) if line.startswith(name)]


def test_once_allowed_it_goes_on_and_all_of_the_flood_is_in_the_dead_letters(
    fraudml: CommandLine, sender: Sender, flood: list[tuple[int, int]]
) -> None:
    fraudml.ok("dlq", "allow", "--topic", TOPIC, "--partition", str(flood[0][0]))
    soon(lambda: sender.settled(flood))
    found = soon(lambda: all(seen := sender.letters(flood[:-1])) and seen)
    assert [letter.value for letter in found] == [b"{oops %d" % n for n in range(IN_A_ROW)]
    assert fraudml.ok("dlq", "stopped").returncode == 0
    soon(lambda: stopped_by_metrics(fraudml) == [])
