"""What producers and callers send in a schedule: good, late, repeated, changed, malformed."""

from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, NamedTuple

from models.features import DAY_S, HOUR_S
from models.transaction import time_of_ms
from streams.codecs import encode

START_MS = 1_700_006_400_000 - 1_700_006_400_000 % 86_400_000
Document = dict[str, Any]
Quality = Literal["good", "bad", "ahead"]  # ahead: of the broker's clock, for one decoder but not for another

AHEAD_MS, AHEAD_LATER_MS = 300_000, DAY_S * 1000
MALFORMED: tuple[bytes | None, ...] = (
    None,
    b"",
    b"{oops",
    b"[]",
    b"\xff\xfe",
    b'{"transaction_id": 7}',
    b"null",
)


class Feed(NamedTuple):
    """One thing that somebody sends. partition: None goes by the key. rest: through the gateway. forged: with
    a mark that no gateway has made.
    """

    topic: str
    key: bytes | None
    value: bytes | None
    partition: int | None = None
    rest: bool = False
    forged: bool = False


class Truth(NamedTuple):
    """What a value is, known because we made it."""

    quality: Quality
    document: Document


@dataclass(frozen=True)
class Mix:
    """How much of what.

    span_days: from the first event time to the last. rest: share through the gateway. both: share of these
    that come by Kafka too. forged: share of records with a forged mark. floods: how often a run of malformed
    records follows.
    """

    transactions: int
    labels: int
    customers: int
    terminals: int
    span_days: float
    repeats: float = 0.2
    changed: float = 0.3
    malformed: float = 0.08
    ahead: float = 0.0
    rest: float = 0.1
    both: float = 0.3
    forged: float = 0.0
    disorder: float = 0.2
    floods: float = 0.0


@dataclass
class Inputs:
    """feeds: in the order of sending. clock_ms: the broker's, after all event times."""

    feeds: list[Feed] = field(default_factory=list)
    truths: dict[bytes | None, Truth] = field(default_factory=dict)
    clock_ms: int = 0

    def truth(self, value: bytes | None) -> Truth:
        return self.truths.get(value, Truth("bad", {}))


def seeded_inputs(random: Random, mix: Mix) -> Inputs:
    inputs = Inputs(clock_ms=START_MS + round((mix.span_days * DAY_S + HOUR_S) * 1000))
    documents = [_transaction(random, mix, number) for number in range(mix.transactions)]
    documents.sort(key=lambda document: document["event_time"])
    feeds: list[tuple[float, Feed]] = []
    for position, document in enumerate(documents):
        _send(random, mix, inputs, feeds, position, document)
    known = [(position, document["transaction_id"]) for position, document in enumerate(documents)]
    for number in range(mix.labels):
        position, name = random.choice(known)
        _label(random, inputs, feeds, position, name if random.random() < 0.92 else f"unknown-{number}")
    feeds.sort(key=lambda each: each[0])
    inputs.feeds = [feed for _, feed in feeds]
    return inputs


def _transaction(random: Random, mix: Mix, number: int) -> Document:
    at_ms = START_MS + int(random.random() * mix.span_days * DAY_S) * 1000 + random.choice((0, 0, 7, 999))
    return {
        "transaction_id": f"tx-{number}",
        "customer_id": f"c-{random.randrange(mix.customers)}",
        "terminal_id": f"t-{random.randrange(mix.terminals)}",
        "amount_minor": random.choice((0, 100, 1999, 25_000, 100_000)) + number,
        "currency": "EUR",
        "event_time": time_of_ms(at_ms).isoformat(),
    }


def _send(
    random: Random,
    mix: Mix,
    inputs: Inputs,
    feeds: list[tuple[float, Feed]],
    position: int,
    document: Document,
) -> None:
    at = position + (random.uniform(0, 12) if random.random() < mix.disorder else 0.0)
    if random.random() < mix.ahead:
        document = document | {"event_time": time_of_ms(inputs.clock_ms + HOUR_S * 1000).isoformat()}
        feeds.append((at, _record(inputs, "transactions", document, "ahead")))
        return
    rest = random.random() < mix.rest
    forged = not rest and random.random() < mix.forged
    feeds.append((at, _record(inputs, "transactions", document)._replace(rest=rest, forged=forged)))
    if rest and random.random() < mix.both:
        copy = _record(inputs, "transactions", document)._replace(forged=random.random() < mix.forged)
        feeds.append((at + random.choice((-0.3, 0.1, 2)) * random.random(), copy))
    while random.random() < mix.repeats:
        again = document
        if random.random() < mix.changed:
            again = document | {"amount_minor": document["amount_minor"] + random.choice((1, 50_000))}
        elsewhere = random.randrange(8) if random.random() < 0.4 else None
        later = at + random.choice((-0.5, 0.1, 1, 6, 30)) * random.random()
        by_rest = rest and random.random() < 0.4
        feeds.append(
            (later, _record(inputs, "transactions", again)._replace(partition=elsewhere, rest=by_rest))
        )
    if random.random() < mix.floods:
        number = random.randrange(8)
        flood = Feed(random.choice(("transactions", "labels")), b"any", b"{oops", number)
        feeds += [(at, flood)] * random.randint(2, 7)
    if random.random() < mix.malformed:
        value = random.choice(
            (*MALFORMED, encode(document | {"currency": "USD", "transaction_id": f"bad-{position}"}))
        )
        topic = random.choice(("transactions", "transactions", "labels"))
        feeds.append((at, Feed(topic, b"any", value, random.randrange(8))))


def _record(inputs: Inputs, topic: str, document: Document, quality: Quality = "good") -> Feed:
    value = encode(document)
    inputs.truths[value] = Truth(quality, document)
    return Feed(topic, str(document["customer_id"]).encode(), value)


def _label(
    random: Random, inputs: Inputs, feeds: list[tuple[float, Feed]], position: int, transaction_id: str
) -> None:
    """A few versions of a verdict, in any order, some of them before the transaction."""
    versions = random.sample(range(4), random.randint(1, 3))
    for version in versions:
        document = {
            "label_id": f"{transaction_id}-{version}",
            "transaction_id": transaction_id,
            "customer_id": f"c-{random.randrange(3)}",
            "label": random.choice(("fraud", "fraud", "genuine", "unknown")),
            "source": random.choice(("chargeback", "report", "analyst", "reversal")),
            "version": version,
            "event_time": time_of_ms(START_MS).isoformat(),
        }
        at = position + random.uniform(-4, 10)
        feeds += [(at, _record(inputs, "labels", document))] * random.choice((1, 1, 1, 2))


def last_record(inputs: Inputs, number: int) -> tuple[bytes, bytes]:
    """Key and value of one more good transaction."""
    document = {
        "transaction_id": f"last-{number}",
        "customer_id": "c-last",
        "terminal_id": "t-last",
        "amount_minor": 100,
        "currency": "EUR",
        "event_time": time_of_ms(inputs.clock_ms).isoformat(),
    }
    feed = _record(inputs, "transactions", document)
    return feed.key or b"", feed.value or b""
