"""Who may do what, how often: looked at before a body is read."""

from collections.abc import Awaitable, Callable
from typing import Literal

from starlette.requests import Request

from api.failed_keys import FailedKeys, address_of
from api.limits import Allowance
from api.problems import Problem
from models.errors import Unauthenticated
from models.scopes import Key, Scope

HEADER = "x-api-key"
# Whom a key acts for: a token of somebody who has signed in.
USER_HEADER = "x-user-token"
ACTS: Scope = "users:act"

Failure = Literal["no_key", "wrong_key", "turned_away"]
Verify = Callable[[str], Key]
Whose = Callable[[str], Key]
Allow = Callable[[Key], Awaitable[Allowance]]


class Access:
    """verify: raises one of our errors for a key that does not hold. whose: the same for a user's token.
    allow: counts a request of a key, or of a user.

    count: told of each request that did not authenticate.
    """

    def __init__(
        self,
        verify: Verify,
        allow: Allow,
        failed_keys: FailedKeys,
        count: Callable[[Failure], None],
        whose: Whose,
    ) -> None:
        self._verify = verify
        self._whose = whose
        self._allow = allow
        self._failed_keys = failed_keys
        self._count = count

    async def admit(self, request: Request, scope: Scope) -> Key:
        """
        Raises:
            Problem: there is no key, it has asked too often, or its address has failed too often.
            Denied: it is none of ours, or may not do this.
            LedgerUnavailable: nobody has heard for too long which keys are live.
        """
        key = self.identify(request)
        request.state.key_id = key.key_id
        allowance = await self._allow(key)
        request.state.limit_headers = allowance.headers()
        if not allowance.allowed:
            raise Problem("rate_limited", headers=allowance.headers())
        key.require(scope)
        return key

    def identify(self, request: Request) -> Key:
        """Whose request it is; asked again and again while one lasts, as a key may be revoked meanwhile.

        Raises:
            Problem, Denied, LedgerUnavailable: as above.
        """
        presented = request.headers.get(HEADER)
        if not presented:
            self._count("no_key")
            raise Problem("unauthenticated", "there is no X-API-Key in the request")
        address = address_of(request.client and request.client.host)
        if (wait_s := self._failed_keys.wait_s(address, presented)) is not None:
            self._count("turned_away")
            raise Problem("too_many_failures", headers={"Retry-After": str(wait_s)})
        try:
            key = self._verify(presented)
        except Unauthenticated:
            self._count("wrong_key")
            self._failed_keys.failed(address, presented)
            raise
        self._failed_keys.opened(address, presented)
        return self._acting(key, request.headers.get(USER_HEADER))

    def _acting(self, key: Key, token: str | None) -> Key:
        """What the key does for somebody is his doing, within what his role opens."""
        if token is None:
            return key
        key.require(ACTS)
        return self._whose(token)
