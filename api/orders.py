"""What administrators send, and what they are told."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request

from api import bodies
from api.problems import FieldError, Problem
from models.api_key import ENV, LONGEST_NAME
from models.card_number import holds_card_number
from models.decision import Verdict
from models.errors import BadSetting
from models.policy import Band, Fallback, Policy, Threshold
from models.promotions import WHY_LENGTH, Promotion
from models.scopes import DEFAULT_SCOPES, LIMIT_PER_MINUTE, Scope
from models.transaction import LARGEST_AMOUNT_MINOR
from models.user import LONGEST_PASSWORD, Role
from streams.ledger.audit import AuditRow

Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Secret = Annotated[str, Meta(min_length=1, max_length=LONGEST_PASSWORD)]
Why = Annotated[str, Meta(max_length=WHY_LENGTH)]
Share = Annotated[float, Meta(ge=0, le=1)]
MOST_VARIANTS, MOST_BANDS = 16, 100


class AskedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key that is to be made. expires_days: None for no end. env: a word in the key."""

    owner: Name
    name: Name
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=50)] = DEFAULT_SCOPES
    limit_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = LIMIT_PER_MINUTE
    expires_days: Annotated[int, Meta(ge=1, le=36_500)] | None = None
    env: Annotated[str, Meta(pattern=f"^{ENV.pattern}$")] = "live"
    why: Why = ""


class AskedUser(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody who is to sign in."""

    name: Name
    role: Role
    password: Secret
    why: Why = ""

    def __repr__(self) -> str:
        return f"AskedUser({self.name})"


class AskedPassword(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another password."""

    password: Secret
    why: Why = ""

    def __repr__(self) -> str:
        return "AskedPassword(****)"


class AskedRole(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another role."""

    role: Role
    why: Why = ""


class Vouched(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who has signed in elsewhere."""

    name: Name


class AskedSession(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs in."""

    name: Name
    password: Secret

    def __repr__(self) -> str:
        return f"AskedSession({self.name})"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, and what it opens. token: for `X-User-Token`; ask for the next one before it ends."""

    name: str
    role: Role
    scopes: tuple[Scope, ...]
    token: str
    expires_in_s: int

    def __repr__(self) -> str:
        return f"Session({self.name})"


class AskedReplay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters are to be sent again. since: by Kafka's clock. again: also what was sent before and
    has been refused again."""

    topic: Literal["transactions", "labels"] | None = None
    reason: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)] | None = None
    since: Annotated[datetime, Meta(tz=True)] | None = None
    again: bool = False
    dry_run: bool = False
    why: Why = ""


class AskedRotation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """overlap_hours: how long the old key still lives."""

    overlap_hours: Annotated[float, Meta(ge=0, le=8760)] = 24
    why: Why = ""


class Explanation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it is done."""

    why: Why = ""


class AskedRollback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """alias: whose place; that of the model's variant in the split if not given."""

    alias: Literal["champion", "challenger"] | None = None
    why: Why = ""


class AskedPromotion(AskedRollback, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """version: which is to decide."""

    version: Annotated[str, Meta(pattern="^[0-9]{1,10}$")]


class Promoted(Promotion, frozen=True, kw_only=True):
    """notes: what is worth knowing of it, such as that it decides nothing."""

    notes: list[str]


class AskedSplit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Shares by variant: what is not named keeps its own. salt: a new one deals all customers anew."""

    version: Name
    weights: Annotated[dict[str, Share], Meta(min_length=1, max_length=MOST_VARIANTS)]
    salt: Name | None = None
    why: Why = ""


class AskedBand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds of the amounts from `amount_minor` on."""

    amount_minor: Annotated[int, Meta(ge=0, le=LARGEST_AMOUNT_MINOR)]
    review_at: Threshold
    decline_at: Threshold


class AskedFallback(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of the amounts from `amount_minor` on while there is no model."""

    amount_minor: Annotated[int, Meta(ge=0, le=LARGEST_AMOUNT_MINOR)]
    verdict: Verdict


class AuditPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of the audit table, newest first. next_before: of the next page; None where there is none."""

    rows: list[AuditRow]
    next_before: int | None


class AskedPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bands of amounts, lowest first; the first begins at 0. without_model: the same; None for the usual."""

    version: Name
    bands: Annotated[list[AskedBand], Meta(min_length=1, max_length=MOST_BANDS)]
    without_model: Annotated[list[AskedFallback], Meta(min_length=1, max_length=MOST_BANDS)] | None = None

    def policy(self) -> Policy:
        """
        Raises:
            BadSetting: bands out of order, or thresholds in the wrong order.
        """
        bands = tuple(Band(each.amount_minor, each.review_at, each.decline_at) for each in self.bands)
        if self.without_model is None:
            return Policy(self.version, bands)
        fallbacks = tuple(Fallback(each.amount_minor, each.verdict) for each in self.without_model)
        return Policy(self.version, bands, fallbacks)


Order = TypeVar("Order", bound=msgspec.Struct)


async def order_in(request: Request, kind: type[Order]) -> Order:
    """
    Raises:
        Problem: of the kinds that answer 413, 415 and 422.
    """
    found = bodies.decode(await bodies.body_in(request), kind)
    for field, text in _texts(msgspec.to_builtins(found), ""):
        if holds_card_number(text):
            raise Problem("card_number", errors=[FieldError(field, "holds a card number")])
        if "\0" in text:
            raise Problem("invalid_value", errors=[FieldError(field, "holds a NUL")])
    return found


@contextmanager
def checked() -> Iterator[None]:
    """Around what makes of an order what it asks for: a value that cannot be is the sender's to mend.

    Raises:
        Problem: invalid_value.
    """
    try:
        yield
    except BadSetting as error:
        raise Problem("invalid_value", str(error)) from None


def _texts(document: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every text and where it stands; names of fields are the document's own, but for those of a mapping."""
    if isinstance(document, str):
        yield where, document
    elif isinstance(document, dict):
        for name, value in document.items():
            yield where, name
            yield from _texts(value, f"{where}/{name}")
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from _texts(value, f"{where}/{number}")
