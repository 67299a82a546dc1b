"""Who has signed in: the gateway says so, by a token that the browser keeps in a cookie.

Nothing of a session is kept here but what the gateway has just said of a token, so any replica serves it.
While the gateway is away a session that held lately goes on, to see what was last heard.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

from dashboard.bounds import Bound
from dashboard.gateway import GatewayClient
from models.errors import Denied, GatewayUnavailable

CHECKED_FOR_S = 30.0
MOST_KNOWN = 4096
# A password takes the gateway long, and it takes one after the other.
MOST_SIGNING_IN = 4
VOUCHED = "by a proxy: "  # no token has blanks


class Session(NamedTuple):
    """Somebody who has signed in. token: what he acts by. expires_in_s: as told with it."""

    name: str
    role: str
    scopes: tuple[str, ...]
    token: str
    expires_in_s: int

    def may(self, scope: str) -> bool:
        return scope in self.scopes


# Of whoever sent what is being answered; set at the door.
ACTING: ContextVar[Session] = ContextVar("acting")


class Heard(NamedTuple):
    session: Session
    at_s: float


class Sessions:
    """clock: monotonic, in seconds."""

    def __init__(self, gateway: GatewayClient, clock: Callable[[], float]) -> None:
        self._gateway = gateway
        self._clock = clock
        self._heard: OrderedDict[str, Heard] = OrderedDict()
        self._signing_in = Bound(MOST_SIGNING_IN, "Too many sign in at this moment.")

    async def sign_in(self, name: str, password: str) -> Session:
        """
        Raises:
            Unauthenticated: name or password is wrong.
            GatewayProblem: this name has to wait, or too many sign in at once.
            GatewayUnavailable: nobody can be signed in now.
        """
        with self._signing_in.of(""):
            told = await self._gateway.post("/v1/sessions", None, {"name": name, "password": password})
        return self._keep(_session_of(told))

    async def of(self, token: str) -> Session:
        """Whose token it is.

        Raises:
            Unauthenticated: it does not hold, or not any more.
            GatewayUnavailable: that cannot be told.
        """

        async def ask() -> Session:
            return _session_of(await self._gateway.get("/v1/session", token))._replace(token=token)

        return await self._looked_up(token, ask)

    async def vouched(self, name: str) -> Session:
        """Of somebody who has signed in elsewhere.

        Raises:
            Unauthenticated: there is nobody of that name here, or he is shut out.
            GatewayUnavailable: that cannot be told.
            Forbidden: the monitor's key may not say who somebody is.
        """

        async def ask() -> Session:
            return _session_of(await self._gateway.post("/v1/sessions:vouch", None, {"name": name}))

        return await self._looked_up(f"{VOUCHED}{name}", ask)

    async def _looked_up(self, key: str, ask: Callable[[], Awaitable[Session]]) -> Session:
        """As heard lately, else asked; while the gateway is away as heard while its token lasts."""
        heard = self._heard.get(key)
        if heard and self._clock() - heard.at_s < CHECKED_FOR_S:
            return heard.session
        try:
            return self._keep(await ask(), under=key)
        except GatewayUnavailable:
            if heard and self._clock() - heard.at_s < heard.session.expires_in_s:
                return heard.session
            raise
        except Denied:
            self._heard.pop(key, None)
            raise

    async def renewed(self, session: Session) -> Session:
        """The same with the next token.

        Raises:
            As above.
        """
        return self._keep(_session_of(await self._gateway.get("/v1/session", session.token)))

    async def end(self, token: str) -> None:
        """Of whom it names no token opens anything any more, here at once, elsewhere within seconds.

        Raises:
            GatewayUnavailable: it cannot be told that; the token opens what it opened.
            Unauthenticated: it opened nothing before.
        """
        self._heard.pop(token, None)
        await self._gateway.post("/v1/sessions:end", token)

    def _keep(self, session: Session, under: str = "") -> Session:
        """under: what it is looked up by; by its token where that is empty."""
        key = under or session.token
        self._heard[key] = Heard(session, self._clock())
        self._heard.move_to_end(key)
        while len(self._heard) > MOST_KNOWN:
            self._heard.popitem(last=False)
        return session


def _session_of(told: Any) -> Session:
    return Session(told["name"], told["role"], tuple(told["scopes"]), told["token"], told["expires_in_s"])
