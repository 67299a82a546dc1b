"""Many transactions in one body: an array, or a document on each line. Each has its own outcome."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from api import bodies
from api.problems import Problem, problem_of
from api.route import NDJSON
from models.errors import FraudError

Send = Callable[[bodies.AskedTransaction], Awaitable[None]]
Check = Callable[[bodies.AskedTransaction], None]


def items_of(body: bytes, media_type: str) -> Sequence[bytes]:
    """The documents, each as it stands there.

    Raises:
        Problem: the body is no array, or holds too many.
    """
    if media_type == NDJSON:
        items: Sequence[bytes] = [line for line in body.split(b"\n") if line.strip()]
    else:
        try:
            items = [bytes(raw) for raw in msgspec.json.decode(body, type=list[msgspec.Raw])]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Problem("not_json", "an array of transactions is wanted") from None
    if not items:
        raise Problem("empty")
    if len(items) > bodies.MOST_ITEMS:
        raise Problem("too_many_items", f"{len(items):,} items; {bodies.MOST_ITEMS:,} at most")
    return items


async def taken(items: Sequence[bytes], check: Check, send: Send) -> list[dict[str, Any]]:
    """What became of each, in their order; the good ones are sent together."""
    return list(await asyncio.gather(*(_outcome(index, raw, check, send) for index, raw in enumerate(items))))


async def _outcome(index: int, raw: bytes, check: Check, send: Send) -> dict[str, Any]:
    try:
        transaction = bodies.decode(raw, bodies.AskedTransaction)
        check(transaction)
        await send(transaction)
    except Problem as problem:
        return {"index": index, **problem.as_item()}
    except FraudError as error:
        return {"index": index, **problem_of(error).as_item()}
    return {"index": index, "status": 202, "transaction_id": transaction.transaction_id}
