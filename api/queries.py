"""What may follow the `?` of a route that lists something."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from models.decision import Path, Verdict
from models.transaction import LONGEST_ID
from streams.ports.listing import Wanted

MOST_ITEMS, USUAL_ITEMS = 200, 50
LONGEST_CURSOR = 512


def _moment(sent: object) -> datetime:
    try:
        found: datetime = msgspec.convert(sent, Annotated[datetime, msgspec.Meta(tz=True)])
    except msgspec.ValidationError:
        raise ValueError("an RFC 3339 time with a zone is wanted; a + is written %2B") from None
    return found


def _printable(sent: str) -> str:
    if not sent.isprintable():
        raise ValueError("it holds an invisible character")
    return sent


Printable = AfterValidator(_printable)
Moment = Annotated[datetime, BeforeValidator(_moment)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), Printable]


class Span(BaseModel):
    """From when to when: [from, to)."""

    since: Moment | None = Field(None, alias="from")
    until: Moment | None = Field(None, alias="to")


class AlertsQuery(Span):
    """Filters, and where in the list."""

    decision: Literal["review", "decline"] | None = None
    customer_id: Name | None = None
    terminal_id: Name | None = None
    variant: Name | None = None
    path: Path | None = None
    degraded: bool | None = None
    limit: int = Field(USUAL_ITEMS, ge=1, le=MOST_ITEMS)
    cursor: str | None = Field(None, max_length=LONGEST_CURSOR)

    def wanted(self, alerts_only: bool) -> Wanted:
        names = set(Wanted.__struct_fields__) - {"alerts_only"}
        return Wanted(alerts_only=alerts_only, **{name: getattr(self, name) for name in names})


class DecisionsQuery(AlertsQuery):
    decision: Verdict | None = None  # type: ignore[assignment]
