"""The next case, by the order and the filters of the queue somebody came from."""

from datetime import datetime
from typing import Any, NamedTuple

from dashboard.asking import Asking
from dashboard.reviewing.filters import Filters
from dashboard.reviewing.words import Document, actor_of

MOST_PAGES = 5
# As many as the gateway gives at once: who works on through a queue leaves its page behind.
CASES_AT_ONCE = 200


class Following(NamedTuple):
    """cursor: of the page it stands on."""

    transaction_id: str
    cursor: str | None


async def queue(asking: Asking, filters: Filters, limit: int, fresh_s: float) -> Any:
    """A page of the queue.

    Raises:
        GatewayUnavailable, Unauthenticated, Forbidden, GatewayProblem: as the gateway client.
    """
    if filters.is_personal:
        return await asking.mine("/v1/reviews", filters.parameters(limit))
    return await asking.get("/v1/reviews", filters.parameters(limit), fresh_s=fresh_s)


async def next_case(asking: Asking, filters: Filters, decision: Document | None) -> Following | None:
    """The first after a case that nobody else has taken; None: there is none, or none within the next pages.

    decision: of the case; None: the first of all.

    Raises:
        As above.
    """
    me = actor_of(asking.session.name)
    for _ in range(MOST_PAGES):
        page = await queue(asking, filters, CASES_AT_ONCE, fresh_s=0.0)
        for case in page["items"]:
            is_free = case["held_by"] in (None, me)
            if is_free and (decision is None or _is_after(case, decision, filters.sort)):
                return Following(case["transaction_id"], filters.cursor)
        if page["next_cursor"] is None:
            return None
        filters = filters._replace(cursor=page["next_cursor"])
    return None


def _is_after(case: Document, decision: Document, sort: str) -> bool:
    """In the order of the queue: the greatest loss first, or the oldest; then by id."""
    if sort == "age":
        return _by_age(case) > _by_age(decision)
    return _by_loss(case) < _by_loss(decision)


def _by_age(of: Document) -> tuple[datetime, str]:
    return datetime.fromisoformat(of["decided_at"]), of["transaction_id"]


def _by_loss(of: Document) -> tuple[float, str]:
    return of["score"] * of["amount_minor"], of["transaction_id"]
