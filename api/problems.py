"""Problem details (RFC 9457): every answer that is not what was asked for, its type a page of the docs."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from starlette.responses import Response

from models.errors import FraudError, Malformed, Unavailable

MEDIA_TYPE = "application/problem+json"
PAGES = "/problems/"


class Kind(NamedTuple):
    """A type of problem: its status, and what it means to whoever meets it."""

    status: HTTPStatus
    title: str
    meaning: str


def _body(title: str, meaning: str) -> Kind:
    return Kind(HTTPStatus.UNPROCESSABLE_ENTITY, title, meaning)


KINDS: dict[str, Kind] = {
    "empty": _body("The body is empty", "Send a JSON document."),
    "not_json": _body(
        "The body is not JSON",
        "UTF-8 JSON is wanted. NaN, Infinity, lone surrogates and UTF-16 are not JSON.",
    ),
    "too_deep": _body("The body is nested too deeply", "The documents here are flat."),
    "missing_field": _body("A field is missing", "`errors` names the place where it is wanted."),
    "unknown_field": _body(
        "A field is not known", "Likely a typing error. Fields of your own belong into `attributes`."
    ),
    "duplicate_field": _body("A field stands there twice", "`errors` names it."),
    "wrong_type": _body("A field has another type", "`errors` names the field and what is wanted."),
    "invalid_value": _body("A field has a value that cannot be", "`errors` names the field and its bounds."),
    "unprintable_id": _body("An id holds an invisible character", "Ids are 1 to 64 printable characters."),
    "currency": _body("Another currency", "A deployment decides transactions of one currency."),
    "attributes": _body(
        "An attribute cannot be kept", "Names are printable, texts hold no NUL, whole numbers fit 64 bits."
    ),
    "event_time_ahead": _body(
        "The event time lies ahead", "It may be a few minutes ahead of this clock, and no more."
    ),
    "event_time_before_1970": _body("The event time lies before 1970", "Check the unit it was made from."),
    "card_number": _body(
        "A field holds a card number",
        "Card numbers are refused wherever they stand, and not written down. Send a token in their place.",
    ),
    "unknown_parameter": _body("A parameter is not known", "Likely a typing error in what follows the `?`."),
    "cursor": _body(
        "A place to go on from is none of ours",
        "Send `next_cursor`, or the id of an event, as it came, with the same filters; else begin anew.",
    ),
    "too_wide": _body(
        "This takes too long to find", "Narrow it with `from` and `to`, or ask for reviews or declines alone."
    ),
    "too_many_items": _body("A batch holds too many items", "Send at most 1,000 at once."),
    "unauthenticated": Kind(
        HTTPStatus.UNAUTHORIZED,
        "No valid key",
        "Send a key in the header X-API-Key. It may have expired or been revoked.",
    ),
    "forbidden": Kind(
        HTTPStatus.FORBIDDEN, "The key may not do this", "It lacks the scope that `detail` names."
    ),
    "not_found": Kind(HTTPStatus.NOT_FOUND, "There is no such thing", "Check the path and the id."),
    "method_not_allowed": Kind(
        HTTPStatus.METHOD_NOT_ALLOWED, "Not with this method", "The header Allow names those that do."
    ),
    "too_large": Kind(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large", "At most 64 KB, and 1 MB for a batch."
    ),
    "unsupported_media_type": Kind(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Another content type is wanted", "Send application/json."
    ),
    "in_flight": Kind(
        HTTPStatus.CONFLICT, "The transaction is being decided", "Ask again after the seconds in Retry-After."
    ),
    "other_body": Kind(
        HTTPStatus.CONFLICT,
        "The id was decided with another body",
        "An id names one transaction for good: the first body stands.",
    ),
    "other_ledger": Kind(
        HTTPStatus.CONFLICT,
        "The ledger was restored since",
        "What was read before says nothing of this one. Begin anew, without an id.",
    ),
    "case_held": Kind(
        HTTPStatus.CONFLICT,
        "Somebody else has taken the case",
        "Take another one, or wait until `held_until`.",
    ),
    "case_not_held": Kind(
        HTTPStatus.CONFLICT,
        "The case is not yours",
        "Take it first. What was taken runs out at `held_until`.",
    ),
    "case_settled": Kind(
        HTTPStatus.CONFLICT, "The case is settled", "A verdict or a label says fraud or genuine."
    ),
    "case_changed": Kind(
        HTTPStatus.CONFLICT, "Somebody acted on the case at the same moment", "Nothing was done. Ask again."
    ),
    "too_late_to_undo": Kind(
        HTTPStatus.CONFLICT,
        "There is no verdict that you can undo",
        "Only your own last action on a case, within the window, before its label is sent.",
    ),
    "rate_limited": Kind(
        HTTPStatus.TOO_MANY_REQUESTS, "Too many requests", "Wait for the seconds in Retry-After."
    ),
    "too_many_failures": Kind(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many failed keys from this address",
        "This key was not looked at. Wait for the seconds in Retry-After.",
    ),
    "misuse": Kind(
        HTTPStatus.CONFLICT, "It cannot be done as things stand", "`detail` says what stands in the way."
    ),
    "overloaded": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "Too much at once", "Wait for the seconds in Retry-After."
    ),
    "answer_lost": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A decision can be kept nowhere now",
        "Neither Postgres nor Kafka answers. Ask again under the same transaction_id.",
    ),
    "no_time_left": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "No answer in time",
        "It may be decided all the same: ask again under the same transaction_id.",
    ),
    "unavailable": Kind(
        HTTPStatus.SERVICE_UNAVAILABLE, "A dependency does not answer", "Ask again in some seconds."
    ),
    "internal": Kind(
        HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of ours", "The log has it under the request id."
    ),
}
# Where waiting helps, and nothing tells how long: of a status, and of single kinds.
RETRY_AFTER_S: dict[HTTPStatus | str, int] = {
    HTTPStatus.SERVICE_UNAVAILABLE: 2,
    "in_flight": 1,
    "case_changed": 1,
}


class FieldError(msgspec.Struct, frozen=True):
    """field: a JSON pointer into the body, or `?` and a parameter's name. message: what is wanted there."""

    field: str
    message: str


class Problem(Exception):
    """An answer that is a problem. detail: about this request; never what the body held."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.kind = KINDS[code]
        self.detail = detail
        self.errors = errors
        self.headers = dict(headers or {})

    def as_item(self) -> dict[str, Any]:
        """What is told of one of many, in an answer about all of them."""
        found = {
            "status": int(self.kind.status),
            "code": self.code,
            "type": PAGES + self.code,
            "detail": self.detail or self.kind.meaning,
        }
        return found | ({"errors": list(self.errors)} if self.errors else {})


def problem_of(error: FraudError) -> Problem:
    """What one of our errors is to the caller."""
    if isinstance(error, Malformed):
        return Problem(error.code, error.what)
    if error.code in KINDS:
        return Problem(error.code, str(error))
    if isinstance(error, Unavailable):
        return Problem("unavailable", error.what)
    return Problem("internal")


def response_of(problem: Problem, request_id: str) -> Response:
    kind = problem.kind
    document: dict[str, Any] = {
        "type": PAGES + problem.code,
        "title": kind.title,
        "status": int(kind.status),
        "code": problem.code,
        "detail": problem.detail or kind.meaning,
        "request_id": request_id,
    }
    if problem.errors:
        document["errors"] = problem.errors
    headers = dict(problem.headers)
    wait_s = RETRY_AFTER_S.get(problem.code) or RETRY_AFTER_S.get(kind.status)
    if wait_s is not None:
        headers.setdefault("Retry-After", str(wait_s))
    if kind.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "APIKey"
    return Response(msgspec.json.encode(document), int(kind.status), headers, MEDIA_TYPE)


def page_of(code: str) -> str:
    """The page that a problem's type leads to."""
    kind = KINDS[code]
    return f"{kind.title} ({int(kind.status)}, {code})\n\n{kind.meaning}\n"
