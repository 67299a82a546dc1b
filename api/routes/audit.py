"""The audit table: who did what and why."""

from typing import Annotated

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from api.examples import AUDIT_ROW
from api.orders import AuditPage
from api.parts import Gateway
from api.reply import reply_with
from api.route import Route, known
from streams.ledger.audit import PAST_THE_LAST

MOST_ROWS = 200
# As far as every client can count.
LARGEST_ID = 2**53 - 1


class Audit:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        page = {200: known("AuditPage", {"rows": [AUDIT_ROW], "next_before": 41})}
        return [Route("GET", "/v1/audit", self.rows, page, "audit:read", problems=["invalid_value"])]

    async def rows(
        self,
        request: Request,
        limit: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 50,
        before: Annotated[int | None, Query(ge=1, le=LARGEST_ID)] = None,
    ) -> Response:
        """Rows of the audit table, newest first; `before` goes on after a page."""
        admin = self._gateway.administration
        # One row more tells whether there is another page.
        found = await admin.ask(admin.audit.newest, limit + 1, before or PAST_THE_LAST)
        rows = found[:limit]
        return reply_with(
            request, AuditPage(rows=rows, next_before=rows[-1].audit_id if len(found) > limit else None)
        )
