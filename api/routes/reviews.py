"""Reviews: the queue of open cases, one case as a whole, and what an analyst does with it."""

from typing import Annotated, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.examples import CASE, CASE_CONTEXT, CASE_VIEW, FINDING, QUEUED_CASE
from api.parts import Gateway
from api.problems import Problem, problem_of
from api.queries import Printable
from api.reply import reply_with
from api.reviewing import Reviewing
from api.route import Route, known, listed, told
from models.errors import FraudError
from models.review import CaseDocument
from models.scopes import Key, Scope
from models.transaction import LARGEST_AMOUNT_MINOR, is_identifier
from streams.ledger.review_queue import NOBODY, Place, QueueAsk, Sort

USUAL_CASES = 50
LONGEST_CURSOR = 512
LONGEST_ACTOR = 129  # owner, a stroke, name
ME, FREE = "me", "nobody"
PATH = "/v1/reviews/{transaction_id}"
READ: Scope = "decisions:read"
WRITE: Scope = "reviews:write"
OF_ACTIONS = ("not_found", "case_changed")
OUTCOMES = told(results=[{"transaction_id": "tx-1", "status": 200, "state": "genuine"}])


class Reviews:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        case = {200: known("CaseDocument", CASE)}
        finding, findings = (
            known("Finding", FINDING),
            known("Findings", {"transaction_ids": ["tx-1"]} | FINDING),
        )
        on_taking = (*OF_ACTIONS, "case_held", "case_settled")
        on_releasing = (*OF_ACTIONS, "case_not_held", "case_settled")
        on_deciding = (*on_releasing, *bodies.OF_ORDERS)
        queue, one = {200: listed("QueuedCase", QUEUED_CASE)}, {200: known("CaseView", CASE_VIEW)}
        around = {200: known("CaseContext", CASE_CONTEXT)}
        return [
            Route("GET", "/v1/reviews", self.queue, queue, READ, problems=["invalid_value", "cursor"]),
            Route("GET", PATH, self.view, one, READ, problems=["not_found"]),
            Route("GET", PATH + "/context", self.context, around, READ, problems=["not_found"]),
            Route("POST", PATH + "/take", self.take, case, WRITE, problems=on_taking),
            Route("POST", PATH + "/release", self.release, case, WRITE, problems=on_releasing),
            Route("POST", PATH + "/decide", self.decide, case, WRITE, [finding], on_deciding),
            Route("POST", PATH + "/undo", self.undo, case, WRITE, problems=[*OF_ACTIONS, "too_late_to_undo"]),
            Route(
                "POST",
                "/v1/reviews:decide",
                self.decide_all,
                {200: OUTCOMES},
                WRITE,
                [findings],
                bodies.OF_ORDERS,
            ),
        ]

    async def queue(
        self,
        request: Request,
        sort: Sort = "expected_loss",
        decision: Literal["review", "decline"] | None = None,
        held_by: Annotated[str | None, Query(min_length=1, max_length=LONGEST_ACTOR), Printable] = None,
        escalated: bool | None = None,
        snoozed: bool = False,
        min_amount_minor: Annotated[int, Query(ge=0, le=LARGEST_AMOUNT_MINOR)] = 0,
        limit: Annotated[int, Query(ge=1, le=bodies.MOST_CASES)] = USUAL_CASES,
        cursor: Annotated[str | None, Query(max_length=LONGEST_CURSOR)] = None,
    ) -> Response:
        """Open cases, those that may cost most first, or the oldest."""
        ask = QueueAsk(
            sort=sort,
            limit=limit,
            decision=decision,
            held_by=_holder(request, held_by),
            escalated=escalated,
            snoozed=snoozed,
            min_amount_minor=min_amount_minor,
        )
        about = ("reviews", *ask._replace(limit=0))
        if cursor is not None:
            ask = ask._replace(after=self._cases.cursors.open(cursor, Place, *about))
        page = await self._cases.queue(ask)
        next_cursor = None if page.last is None else self._cases.cursors.seal(page.last, *about)
        return reply_with(request, {"items": page.cases, "next_cursor": next_cursor})

    async def view(self, request: Request, transaction_id: str) -> Response:
        """A case: where it stands, the decision, what was done, and what became of the transaction."""
        return reply_with(request, await self._cases.view(_known_name(transaction_id)))

    async def context(self, request: Request, transaction_id: str) -> Response:
        """What is around a case: thresholds, what each variant says, 90 days of customer and terminal."""
        return reply_with(request, await self._gateway.case_contexts.find(_known_name(transaction_id)))

    async def take(self, request: Request, transaction_id: str) -> Response:
        """Take a case for a while, or for longer, so that nobody else works on it."""
        return reply_with(request, await self._cases.take(_known_name(transaction_id), _actor(request)))

    async def release(self, request: Request, transaction_id: str) -> Response:
        """Let go of a case."""
        return reply_with(request, await self._cases.release(_known_name(transaction_id), _actor(request)))

    async def decide(self, request: Request, transaction_id: str) -> Response:
        """Give a verdict on a case that you have taken."""
        finding = bodies.decode(await bodies.body_in(request), bodies.SentFinding)
        name = _known_name(transaction_id)
        return reply_with(request, await self._cases.decide(name, _actor(request), finding))

    async def undo(self, request: Request, transaction_id: str) -> Response:
        """Take back your own last verdict, before its label is sent."""
        return reply_with(request, await self._cases.undo(_known_name(transaction_id), _actor(request)))

    async def decide_all(self, request: Request) -> Response:
        """Give one verdict on many cases that are yours or nobody's; each has its own outcome."""
        found = bodies.decode(await bodies.body_in(request), bodies.SentFindings)
        names = [name for name in dict.fromkeys(found.transaction_ids) if is_identifier(name)]
        outcomes = dict(zip(names, await self._cases.decide_all(names, _actor(request), found), strict=True))
        unknown = Problem("not_found")
        results = [_outcome(name, outcomes.get(name, unknown)) for name in found.transaction_ids]
        return reply_with(request, {"results": results})

    @property
    def _cases(self) -> Reviewing:
        return self._gateway.reviewing


def _actor(request: Request) -> str:
    key: Key = request.state.key
    return key.actor


def _holder(request: Request, asked: str | None) -> str | None:
    """`me` and `nobody` are no owner and name: those have a stroke between them."""
    return {ME: _actor(request), FREE: NOBODY}.get(asked, asked) if asked else None


def _known_name(transaction_id: str) -> str:
    if not is_identifier(transaction_id):
        raise Problem("not_found")
    return transaction_id


def _outcome(name: str, found: CaseDocument | FraudError | Problem) -> dict[str, object]:
    if isinstance(found, CaseDocument):
        return {"transaction_id": name, "status": 200, "state": found.state, "undo_until": found.undo_until}
    problem = problem_of(found) if isinstance(found, FraudError) else found
    return {"transaction_id": name, **problem.as_item()}
