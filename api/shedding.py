"""Which requests are let in when there are too many: those that matter more. Asked before a body is read."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import Problem, response_of
from api.route import EVENT_STREAM

Kind = Literal["score", "lookup", "admin", "dashboard"]
# The part of all places up to which each kind is let in; what lies above is kept for those before it.
SHARES: Mapping[Kind, float] = {"score": 1.0, "lookup": 0.8, "admin": 0.7, "dashboard": 0.5}
RETRY_AFTER_S = 1


class Admission:
    """Counts the requests in progress, of all kinds together. For one event loop.

    places: how many requests may be in progress at once.
    """

    def __init__(self, places: int, shares: Mapping[Kind, float] = SHARES) -> None:
        self.in_progress = 0
        # However few places there are, nobody is shut out when nothing else is going on.
        self._most = {kind: max(1, int(places * share)) for kind, share in shares.items()}

    @contextmanager
    def place(self, kind: Kind) -> Iterator[int | None]:
        """A place for as long as a request is in progress; gives None.

        Where there is none, gives the seconds after which the caller may try again (Retry-After of a 503).
        """
        if self.in_progress >= self._most[kind]:
            yield RETRY_AFTER_S
            return
        self.in_progress += 1
        try:
            yield None
        finally:
            self.in_progress -= 1


# By the beginning of the path; whatever is not here is never shut out: probes must be heard.
KINDS: tuple[tuple[str, Kind], ...] = (
    ("/v1/score", "score"),
    ("/v1/transactions", "score"),
    ("/v1/decisions", "lookup"),
    ("/v1/labels", "lookup"),
    ("/v1/alerts", "lookup"),
    ("/v1/stats", "dashboard"),
    ("/v1/", "admin"),
)


class Shedding:
    """ASGI middleware: a request that finds no place is told when to come back.

    One that is answered by a stream of events gives its place back when the stream begins: it lasts for
    hours, and how many there may be is bounded where they are made.
    """

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = next((kind for start, kind in KINDS if scope.get("path", "").startswith(start)), None)
        if scope["type"] != "http" or kind is None:
            await self._app(scope, receive, send)
            return
        with ExitStack() as held:
            retry_after_s = held.enter_context(self._admission.place(kind))
            if retry_after_s is None:
                await self._app(scope, receive, _giving_back(held, send))
                return
            problem = Problem("overloaded", headers={"Retry-After": str(retry_after_s)})
            await response_of(problem, scope["state"]["request_id"])(scope, receive, send)


def _giving_back(held: ExitStack, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            types = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            if types and types[0].startswith(EVENT_STREAM.encode()):
                held.close()
        await send(message)

    return sending
