"""Who may do what, how often: looked at before a body is read."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from api.limits import Allowance
from api.problems import Problem
from models.scopes import Key, Scope

HEADER = "x-api-key"

Verify = Callable[[str], Key]
Allow = Callable[[Key], Awaitable[Allowance]]


class Access:
    """verify: raises one of our errors for a key that does not hold. allow: counts a request of a key."""

    def __init__(self, verify: Verify, allow: Allow) -> None:
        self._verify = verify
        self._allow = allow

    async def admit(self, request: Request, scope: Scope) -> Key:
        """
        Raises:
            Problem: there is no key, or it has asked too often.
            Denied: it is none of ours, or may not do this.
            LedgerUnavailable: nobody has heard for too long which keys are live.
        """
        presented = request.headers.get(HEADER)
        if not presented:
            raise Problem("unauthenticated", "there is no X-API-Key in the request")
        key = self._verify(presented)
        request.state.key_id = key.key_id
        allowance = await self._allow(key)
        request.state.limit_headers = allowance.headers()
        if not allowance.allowed:
            raise Problem("rate_limited", headers=allowance.headers())
        key.require(scope)
        return key
