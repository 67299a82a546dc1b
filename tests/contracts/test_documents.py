"""The schemas of the documents: what real documents fit, and what our decoders refuse."""

import json
import re
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
import regress
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker

from load.documents import label_documents, transaction_documents
from models.decision import alert_of, decision_of
from models.errors import MalformedLabel
from models.label import decode_label
from models.transaction import UNPRINTABLE, EventTime
from streams.codecs import NO_TRANSACTION, TransactionCodec, encode
from streams.contracts.amendments import ADDITIONS, DESCRIPTIONS, MOMENT, UNSAID
from streams.contracts.files import FOLDER
from streams.contracts.headers import REASONS
from streams.contracts.schemas import DOCUMENTS
from streams.dead_letters import headers_of
from tests.builders import Worker, encoded, label, sweep_of, transaction
from tests.unit.load.tables import table_of
from tests.unit.streams.test_codecs import BAD, ODD

SCHEMAS = {name: json.loads((FOLDER / f"{name}.schema.json").read_bytes()) for name in DOCUMENTS}

FORMATS = FormatChecker()
FORMATS.checks("date-time", ValueError)(lambda text: bool(datetime.fromisoformat(text)))
READERS = {
    "with formats": lambda schema: Draft202012Validator(schema, format_checker=FORMATS),
    "without formats": Draft202012Validator,
    "as AsyncAPI reads it": Draft7Validator,
}
# Rows of BAD that no schema can refuse, and where the schema's description says so.
BEYOND_SCHEMAS = {
    "UTF-16": "not UTF-8",
    "a byte order mark": "byte order mark",
    "a lone surrogate": "lone surrogate",
    "an amount as a whole float": "1999.0",
    "an amount with an exponent": "1e3",
    "an attribute of 1e999": "1e999",
    "an attribute beyond 64 bits": "beyond 64 bits",
    "a time more than five minutes ahead": "ahead of the broker",
    "a card number as id": "card number",
    "a card number in an attribute": "card number",
    "a card number as a number": "card number",
    "another currency": "other than the deployment's",
}


def fits(name: str, document: Any, reader: str = "with formats") -> bool:
    """Whether a document, or bytes as a lenient parser reads them, fits its schema."""
    try:
        found = json.loads(encoded(document) or b"")
    except (ValueError, RecursionError):
        return False
    return bool(READERS[reader](SCHEMAS[name]).is_valid(found))


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_every_schema_is_one_in_both_dialects_that_read_it(schema: Any) -> None:
    Draft202012Validator.check_schema(schema)
    Draft7Validator.check_schema(schema)


def test_every_field_says_what_it_is_and_no_amendment_is_left_over() -> None:
    fields = {name: field for schema in SCHEMAS.values() for name, field in schema["properties"].items()}
    assert [name for name, field in fields.items() if not field.get("description")] == []
    assert DESCRIPTIONS.keys() <= fields.keys()
    assert ADDITIONS.keys() | UNSAID.keys() <= DOCUMENTS.keys()


@pytest.mark.parametrize("engine", [re.compile, lambda pattern: regress.Regex(pattern, "u")])
def test_printable_means_to_a_schema_what_it_means_to_the_decoder(engine: Any) -> None:
    find = engine(UNPRINTABLE)
    search = getattr(find, "search", None) or find.find
    characters = [chr(code) for code in range(0x10000)]
    known = [each for each in characters if unicodedata.category(each) not in ("Cn", "Cs")]
    assert [each for each in known if bool(search(each)) == each.isprintable()] == []


@pytest.mark.parametrize("document", [odd[1] for odd in ODD], ids=[odd[0] for odd in ODD])
def test_odd_but_sound_transactions_fit(document: Any) -> None:
    assert fits("transaction", document)


def test_what_our_generator_sends_fits() -> None:
    assert all(fits("transaction", each) for each in transaction_documents(table_of()))
    assert all(fits("label", each) for each in label_documents(table_of()))


@pytest.mark.parametrize(
    ("amount_minor", "decision"), [(1, "approve"), (10_000, "review"), (100_000, "decline")]
)
def test_decisions_and_alerts_as_we_send_them_fit(amount_minor: int, decision: str) -> None:
    worker = Worker()
    worker.decide(transaction(amount_minor=amount_minor, attributes={"channel": "web", "risk": 0.5}))
    decided = worker.ledger.rows["tx-1"].decided
    assert (decided.decision, fits("decision", encode(decision_of(decided)))) == (decision, True)
    assert fits("alert", encode(alert_of(decided))) == (decision != "approve")
    assert len(worker.outbox.alerts) == (decision != "approve")


@pytest.mark.parametrize("reader", READERS)
def test_what_the_decoder_refuses_the_schema_refuses_too(reader: str) -> None:
    passed = {name for name, document, _ in BAD if fits("transaction", document, reader)}
    beyond_formats = set() if reader == "with formats" else {"a day that is none"}
    assert passed == BEYOND_SCHEMAS.keys() | beyond_formats


def test_the_schema_says_in_words_what_it_cannot_refuse() -> None:
    said = SCHEMAS["transaction"]["description"]
    assert [words for words in BEYOND_SCHEMAS.values() if words not in said] == []


@pytest.mark.parametrize(
    ("document", "can_say"),
    [
        (label(label="maybe"), True),
        (label(source="rumour"), True),
        (label(version=-1), True),
        (label(version=2**31), True),
        (label(version="1"), True),
        (label(version=1.0), False),
        (label(label_id=""), True),
        (label(transaction_id="a\0"), True),
        (label(customer_id="a\n"), True),
        (label(event_time="2026-01-01"), True),
        (label(event_time="2026-01-01T00:00:00"), True),
        (label(event_time="2026-01-01T23:59:60Z"), True),
        (label(event_time="2026-01-01T00:00:00+24:00"), True),
        ({"label_id": "x"}, True),
    ],
)
def test_bad_labels_do_not_fit_where_a_schema_can_say_so(document: Any, can_say: bool) -> None:
    with pytest.raises(MalformedLabel):
        decode_label(encoded(document))
    assert fits("label", document, "without formats") is not can_say


# Near the edges of what is allowed; what a schema cannot say is not drawn.
texts = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cn", "Cs"]), max_size=3)
ids = texts | st.sampled_from(["x" * 64, "x" * 65, "c 1", "c\u00a01", "c-1\n", 7, None])
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
local_times = st.datetimes(datetime(1971, 1, 1), datetime(9998, 1, 1))  # noqa: DTZ001
times = local_times | st.builds(lambda moment, zone: moment.replace(tzinfo=zone), local_times, zones)
numbers = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values: st.SearchStrategy[Any] = texts | st.sampled_from(["x" * 256, "x" * 257, None, True, [], {}]) | numbers
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "transaction_id": ids,
    "customer_id": ids,
    "terminal_id": ids,
    "amount_minor": st.sampled_from([0, -1, 10**12, 10**12 + 1, 0.5, "1", None]),
    "currency": st.sampled_from(["EUR", "eur", "EU", "EURO", "EUR\n", None]),
    "event_time": times.map(datetime.isoformat) | st.integers(),
    "attributes": st.dictionaries(ids.map(str), values, max_size=2) | st.none() | st.integers(),
    "surprise": values,
}
changes = st.one_of([st.tuples(st.just(name), found) for name, found in FIELDS.items()])


@settings(max_examples=300)
@given(changes, st.none() | st.sampled_from([*FIELDS]))
def test_a_transaction_fits_just_when_the_decoder_takes_it(
    change: tuple[str, Any], dropped: str | None
) -> None:
    document = transaction() | dict([change])
    document.pop(dropped or "", None)
    _, dead = TransactionCodec("EUR", ahead_ms=10**15).decode(sweep_of(document))
    assert fits("transaction", document) == (not dead)


@given(st.from_regex(MOMENT, fullmatch=True))
def test_a_time_that_fits_is_one_to_the_decoder_too_if_there_is_such_a_day(text: str) -> None:
    assert msgspec.convert(text[:8] + "28" + text[10:], EventTime).utcoffset() is not None


def test_every_dead_letter_fits_and_every_reason_is_listed() -> None:
    _, dead = TransactionCodec("EUR", 300_000).decode(sweep_of(*(document for _, document, _ in BAD)))
    headers = [{name: value.decode() for name, value in headers_of(each).items()} for each in dead]
    assert all(fits("dead-letter", each) for each in headers)
    assert {each["reason"] for each in headers} | {NO_TRANSACTION} == REASONS.keys()
    assert {*SCHEMAS["dead-letter"]["required"]} == headers[0].keys()
