"""The door: whatever is asked of the monitor passes here first, and needs a session but for signing in.

Dash leaves its layout and its callbacks open, so nothing behind the door is asked before somebody is known.
What acts must come from our own pages.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from urllib.parse import quote, urlsplit

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.bounds import Bound
from dashboard.refusals import REFUSALS, Refusals
from dashboard.sessions import ACTING, Session
from dashboard.sign_in_page import AGAIN, away_page
from models.errors import Denied, Forbidden, FraudError, Unavailable

log = structlog.get_logger(__name__)

# __Host-: no other host of the domain can set it, and it is sent over TLS (or to this machine) alone.
COOKIE = "__Host-fraudml"
SIGN_IN, SIGN_OUT, RENEW = "/sign-in", "/sign-out", "/session"
HEALTH, READY = "/healthz", "/readyz"
OPEN = (SIGN_IN, SIGN_OUT, HEALTH, READY)
CALLBACK = "/_dash-update-component"
READING = ("GET", "HEAD")
POLICY_VIOLATION, UNSUPPORTED_DATA = 1008, 1003  # RFC 6455
# By it a page of ours knows an answer that tells why from one at the door.
REFUSED = (b"x-refused", b"told")
MOST_SOCKETS = 20  # of one person; the tabs of a browser share one

Whose = Callable[[HTTPConnection], Awaitable[Session]]


class Door:
    """whose: who has sent a request. origins: of pages that may act, beside our own. policy: what a browser
    may load, as Content-Security-Policy says it. clock: monotonic, in seconds. called_back: told how long
    each callback took, in seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        whose: Whose,
        origins: Collection[str],
        policy: str,
        clock: Callable[[], float] = time.monotonic,
        called_back: Callable[[float], None] = lambda took_s: None,
    ) -> None:
        self._app = app
        self._clock = clock
        self._called_back = called_back
        self._whose = whose
        self._origins = frozenset(origins)
        self._sockets = Bound(MOST_SOCKETS, "You have opened too much at once.")
        self._headers = {
            "Content-Security-Policy": policy,
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._request(Request(scope), scope, receive, send)

    async def _request(self, request: Request, scope: Scope, receive: Receive, send: Send) -> None:
        refusals = Refusals()
        REFUSALS.set(refusals)
        telling = Telling(send, self._headers, refusals)
        began_s, let_in = self._clock(), False
        try:
            refusal = await self._refusal(request)
            let_in = refusal is None and request.url.path == CALLBACK
            await (refusal or self._app)(scope, receive, telling)
        except Exception as error:
            log.error("fault", path=request.url.path, exc_info=error)
            if not telling.has_begun:
                fault = _told(500, "A fault of ours. The log of the monitor has it.")
                await fault(scope, receive, telling)
        finally:
            if let_in:
                self._called_back(self._clock() - began_s)

    async def _refusal(self, request: Request) -> Response | None:
        if request.method not in READING and not self._is_ours(request):
            return _told(403, "This did not come from a page of the monitor.")
        if request.url.path in OPEN:
            return None
        try:
            ACTING.set(await self._whose(request))
        except Denied:
            return _to_sign_in(request)
        except Unavailable as error:
            return HTMLResponse(away_page(error), 503) if _wants_page(request) else _told(503, str(error))
        except FraudError as error:
            return _told(403, str(error))
        return None

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One that is refused is refused before it is accepted: the server answers the handshake with 403."""
        connection = HTTPConnection(scope)
        try:
            if not self._is_ours(connection):
                raise Forbidden("this did not come from a page of the monitor")
            session = await self._whose(connection)
            ACTING.set(session)
            with self._sockets.of(session.name):
                await self._heard(scope, receive, send)
        except FraudError:
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    async def _heard(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            # What no page of ours sends is no reason to say more of it.
            log.warning("socket_ended", why=type(error).__name__, person=ACTING.get().name)
            with suppress(Exception):
                await send({"type": "websocket.close", "code": UNSUPPORTED_DATA})

    def _is_ours(self, connection: HTTPConnection) -> bool:
        origin = connection.headers.get("origin", "")
        host = _host_of(origin)
        return origin in self._origins or (host is not None and host == connection.headers.get("host"))


class Telling:
    """Sends an answer on, with headers that all have.

    An action that was refused is answered with 403; its body tells the page why.
    """

    def __init__(self, send: Send, headers: Mapping[str, str], refusals: Refusals) -> None:
        self._send = send
        self._headers = headers
        self._refusals = refusals
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            if self._refusals.met and message["status"] == 200:
                message["status"] = 403
                message["headers"].append(REFUSED)
            headers = MutableHeaders(scope=message)
            headers.update(self._headers)
            if "cache-control" not in headers or headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
        await self._send(message)


def _host_of(origin: str) -> str | None:
    """None: it is no origin."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None


def _to_sign_in(request: Request) -> Response:
    if not _wants_page(request):
        return _told(401, "Nobody is signed in. Sign in again.")
    # A link on another site: the browser sends the cookie only to what a page of ours asks for.
    if request.headers.get("sec-fetch-site") == "cross-site":
        return HTMLResponse(AGAIN)
    path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{SIGN_IN}?next={quote(path, safe='')}", 303)


def _wants_page(request: Request) -> bool:
    return request.method in READING and "text/html" in request.headers.get("accept", "")


def _told(status: int, detail: str) -> Response:
    return JSONResponse({"status": status, "detail": detail}, status)
