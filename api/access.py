"""Who may do what, how often: looked at before a body is read."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from starlette.requests import Request

from api.problems import Problem
from models.errors import FraudError

HEADER = "x-api-key"


class Caller(NamedTuple):
    """A key, as it holds now."""

    key_id: str
    scopes: frozenset[str]
    limit_per_minute: int


class Allowance(Protocol):
    """What a limit answers."""

    @property
    def allowed(self) -> bool: ...

    def headers(self) -> dict[str, str]: ...


Verify = Callable[[str], Caller]
Allow = Callable[[Caller, int], Awaitable[Allowance]]


class Access:
    """verify: raises one of our errors for a key that does not hold. allow: counts so many requests."""

    def __init__(self, verify: Verify, allow: Allow) -> None:
        self._verify = verify
        self._allow = allow

    async def admit(self, request: Request, scope: str) -> Caller:
        """
        Raises:
            Problem: unauthenticated, forbidden, rate_limited.
        """
        presented = request.headers.get(HEADER)
        if not presented:
            raise Problem("unauthenticated", "there is no X-API-Key in the request")
        try:
            caller = self._verify(presented)
        except FraudError:
            raise Problem("unauthenticated") from None
        request.state.key_id = caller.key_id
        allowance = await self._allow(caller, 1)
        request.state.limit_headers = allowance.headers()
        if not allowance.allowed:
            raise Problem("rate_limited", headers=allowance.headers())
        if scope not in caller.scopes:
            raise Problem("forbidden", f"it needs the scope {scope}")
        return caller
