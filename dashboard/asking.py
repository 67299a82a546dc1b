"""Questions to the gateway on behalf of one person; what several people ask at once is asked once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple

from api.shared_answers import SharedAnswers
from dashboard.gateway import TIMEOUT_S, GatewayClient, Parameters
from dashboard.pace import Pace
from dashboard.refusals import REFUSALS, Refusals
from dashboard.sessions import Session
from models.errors import Forbidden


class Asking(NamedTuple):
    """now: the wall clock, UTC."""

    gateway: GatewayClient
    shared: SharedAnswers
    session: Session
    pace: Pace
    now: Callable[[], datetime]

    async def get(
        self,
        path: str,
        parameters: Parameters | None = None,
        *,
        within_s: float = TIMEOUT_S,
        fresh_s: float = 0.6,
    ) -> Any:
        """What the gateway tells; the same for all of a role who ask within `fresh_s`.

        Raises:
            GatewayUnavailable, Unauthenticated, Forbidden, GatewayProblem: as the gateway client.
        """
        named = parameters or {}
        question = (self.session.role, path, tuple(sorted(named.items())))
        return await self.shared.ask(
            question,
            fresh_s,
            lambda: self.gateway.get(path, self.session.token, named, within_s=within_s),
        )

    async def mine(self, path: str, parameters: Parameters | None = None) -> Any:
        """The same where the answer depends on who asks.

        Raises:
            As above.
        """
        return await self.gateway.get(path, self.session.token, parameters)

    async def do(self, path: str, document: Any = None, *, within_s: float = TIMEOUT_S) -> Any:
        """What came of an action.

        Raises:
            As above.
        """
        try:
            return await self.gateway.post(path, self.session.token, document, within_s=within_s)
        except Forbidden:
            REFUSALS.get(Refusals()).met = True
            raise
