"""`GET /v1/decisions/{id}` of what has left the ledger: the same decision, and word of where the rest is."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from starlette.responses import Response

from api.parts import Gateway
from api.problems import Problem
from api.routes.decisions import Decisions
from models.archived import archived
from models.decision import DecidedTransaction
from streams.answered import answer_document
from tests.builders import decided
from tests.unit.api.described import FILE

ROWS = {"here": decided(transaction_id="here")}
LEFT = {"left": decided(transaction_id="left")}


class Ledger:
    """The look-ups of a gateway."""

    async def decision(self, transaction_id: str) -> DecidedTransaction | None:
        return ROWS.get(transaction_id)

    async def archived(self, transaction_id: str) -> Any:
        row = LEFT.get(transaction_id)
        return archived(row) if row else None


def look_up(transaction_id: str) -> Response:
    routes = Decisions(cast(Gateway, Ledger()), now_ms=lambda: 0)
    request: Any = SimpleNamespace(state=SimpleNamespace(limit_headers={"RateLimit": "1"}))
    return asyncio.run(routes.decision(request, transaction_id))


def test_an_archived_decision_is_answered_byte_for_byte_and_says_its_month() -> None:
    found = look_up("left")
    assert (found.status_code, found.body) == (200, answer_document(LEFT["left"]))
    assert found.headers["Fraud-Archived"] == "2026-01"
    assert found.headers["RateLimit"] == "1"


def test_one_that_is_in_the_ledger_says_nothing_of_an_archive() -> None:
    assert "Fraud-Archived" not in look_up("here").headers


def test_what_nobody_has_decided_is_not_found() -> None:
    with pytest.raises(Problem, match="not_found"):
        look_up("nobody")


def test_the_header_is_documented() -> None:
    document = msgspec.json.decode(FILE.read_bytes())
    answers = document["paths"]["/v1/decisions/{transaction_id}"]["get"]["responses"]
    assert "left the ledger" in answers["200"]["headers"]["Fraud-Archived"]["description"]
