"""What callers send: read with a limit, and decoded strictly: an unknown field is likely a typing error."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request

from api.problems import FieldError, Problem
from api.route import JSON
from models.card_number import record_holds_card_number
from models.errors import NoTimeLeft
from models.finding import Finding
from models.label import Label
from models.transaction import CARD_NUMBER, Transaction, check_transaction, ms_of_time, reason_of

LARGEST_BYTES = 64 * 1024
LARGEST_BATCH_BYTES = 1024 * 1024
MOST_ITEMS = 1000
MOST_CASES = 200
BODY_S = 5.0  # else a few slow senders would take all places
# How the decoder names a place.
PLACE = re.compile(r" - at `(?:key in )?\$(?P<path>.*)`$")
UNKNOWN = re.compile(r"unknown field `(?P<name>.*)`")
INDEX = re.compile(r"\[([^]]*)\]")


class AskedTransaction(Transaction, frozen=True, forbid_unknown_fields=True, gc=False):
    """A transaction in a request's body."""


class SentLabel(Label, frozen=True, forbid_unknown_fields=True):
    """A label in a request's body."""


class SentFinding(Finding, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A finding in a request's body."""


class SentFindings(SentFinding, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One finding on many cases, in a request's body."""

    transaction_ids: Annotated[list[str], Meta(min_length=1, max_length=MOST_CASES)]


# What a body of one document may be.
PROBLEMS = (
    "empty", "not_json", "missing_field", "unknown_field", "duplicate_field", "wrong_type", "invalid_value",
    "unprintable_id", "card_number", "too_large", "unsupported_media_type",
)  # fmt: skip
# What administrators send has no ids in it.
OF_ORDERS = tuple(code for code in PROBLEMS if code != "unprintable_id")

Document = TypeVar("Document", bound=msgspec.Struct)


def media_type_of(request: Request) -> str:
    return request.headers.get("content-type", JSON).split(";")[0].strip().lower()


async def body_in(
    request: Request,
    largest: int = LARGEST_BYTES,
    wanted: tuple[str, ...] = (JSON,),
    within_s: float = BODY_S,
) -> bytes:
    """
    Raises:
        Problem: unsupported_media_type, too_large.
        NoTimeLeft: it did not arrive in time.
    """
    if media_type_of(request) not in wanted:
        raise Problem("unsupported_media_type", f"{' or '.join(wanted)} is wanted")
    try:
        async with asyncio.timeout(within_s):
            return await read(request.stream(), request.headers.get("content-length"), largest)
    except TimeoutError:
        raise NoTimeLeft(
            f"the body did not arrive within {within_s:.3g} s", next_step="send it sooner, or less of it"
        ) from None


async def read(chunks: AsyncIterator[bytes], declared: str | None, largest: int = LARGEST_BYTES) -> bytes:
    """The body, as far as it may be.

    Raises:
        Problem: too_large; no more than that is read.
    """
    if declared is not None and re.fullmatch(r"[0-9]+", declared) and int(declared) > largest:
        raise Problem("too_large", f"{int(declared):,} bytes; {largest:,} at most")
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > largest:
            raise Problem("too_large", f"more than {largest:,} bytes")
    return bytes(body)


def decode(body: bytes, kind: type[Document]) -> Document:
    """
    Raises:
        Problem: of the kinds that answer 422.
    """
    if not body:
        raise Problem("empty")
    try:
        found = msgspec.json.decode(body, type=kind)
        DISTINCT.decode(body.decode())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Problem) as error:
        # Whatever else is wrong: its name may stand in what is told.
        if record_holds_card_number(body):
            raise Problem(CARD_NUMBER) from None
        raise error if isinstance(error, Problem) else _refusal(error) from None
    return found


def _distinct(pairs: list[tuple[str, object]]) -> None:
    """Of two fields of one name, decoders take one or the other: nobody knows which was meant."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Problem("duplicate_field", errors=[FieldError(f"/{twice}", "stands there more than once")])


def check(transaction: Transaction, currency: str, now_ms: int, ahead_ms: int) -> None:
    """What the types of a transaction do not say.

    Raises:
        Malformed: card_number, unprintable_id, currency, attributes.
        Problem: event_time_ahead, event_time_before_1970.
    """
    check_transaction(transaction, currency)
    check_time(transaction.event_time, now_ms, ahead_ms)


def check_time(event_time: datetime, now_ms: int, ahead_ms: int) -> None:
    """
    Raises:
        Problem: event_time_ahead, event_time_before_1970.
    """
    time_ms = ms_of_time(event_time)
    if time_ms > now_ms + ahead_ms:
        raise Problem("event_time_ahead", f"at most {ahead_ms // 1000:,} s are allowed")
    if time_ms < 0:
        raise Problem("event_time_before_1970")


# Digits stay text: as numbers some would be too long.
DISTINCT = json.JSONDecoder(object_pairs_hook=_distinct, parse_int=str, parse_float=str)


def _refusal(error: Exception) -> Problem:
    words = str(error)
    unknown = UNKNOWN.search(words)
    code = "unknown_field" if unknown else reason_of(error)
    if code in ("not_json", "too_deep"):
        return Problem(code)
    place = PLACE.search(words)
    path = place["path"] if place else ""
    return Problem(code, errors=[FieldError(_pointer(path), PLACE.sub("", words))])


def _pointer(path: str) -> str:
    """`.attributes[...]` as `/attributes`."""
    return INDEX.sub(lambda found: "" if found[1] == "..." else f"/{found[1]}", path).replace(".", "/")
