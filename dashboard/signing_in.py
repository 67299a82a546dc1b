"""Signing in, going on, and signing out."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from dashboard.door import COOKIE, HEALTH, READY, RENEW, SIGN_IN, SIGN_OUT
from dashboard.proxied import NamedByProxy
from dashboard.sessions import ACTING, Session, Sessions
from dashboard.sign_in_page import sign_in_page
from models.errors import FraudError, GatewayProblem, Unauthenticated

HOME = "/"
LARGEST_FORM_BYTES = 8192
TOO_MANY = 429


class SigningIn:
    """refused: told why, for each attempt that was (dashboard/metrics.py)."""

    def __init__(
        self,
        sessions: Sessions,
        proxied: NamedByProxy,
        refused: Callable[[str], None] = lambda reason: None,
    ) -> None:
        self._refused = refused
        self._sessions = sessions
        self._proxied = proxied

    def add_to(self, server: FastAPI) -> None:
        for method, path, handler in (
            ("GET", SIGN_IN, self.page),
            ("POST", SIGN_IN, self.sign_in),
            ("POST", SIGN_OUT, self.sign_out),
            ("POST", RENEW, self.renew),
            ("GET", HEALTH, self.health),
            ("GET", READY, self.health),
        ):
            server.add_api_route(
                path, handler, methods=[method], include_in_schema=False, response_model=None
            )

    async def whose(self, connection: HTTPConnection) -> Session:
        """
        Raises:
            Unauthenticated: nobody has signed in there, or not for so long.
            GatewayUnavailable: that cannot be told.
        """
        if (name := self._proxied.name_in(connection)) is not None:
            return await self._sessions.vouched(name)
        token = connection.cookies.get(COOKIE)
        if not token:
            raise Unauthenticated("nobody is signed in", next_step="sign in")
        return await self._sessions.of(token)

    async def page(self, request: Request) -> Response:
        return HTMLResponse(sign_in_page(_path_in(request.query_params.get("next"))))

    async def sign_in(self, request: Request) -> Response:
        form = await _form_in(request)
        if form is None:
            self._refused("malformed")
            return HTMLResponse(sign_in_page(HOME, wrong="That was more than a name and a password."), 413)
        after, name = _path_in(form.get("next")), form.get("name", "")
        try:
            session = await self._sessions.sign_in(name, form.get("password", ""))
        except FraudError as error:
            self._refused(_reason_of(error))
            return HTMLResponse(sign_in_page(after, name=name, wrong=_why_not(error)), _status_of(error))
        return with_cookie(RedirectResponse(after, 303), session)

    async def renew(self, request: Request) -> Response:
        """Asked by pages that are open, well before the token ends."""
        try:
            session = await self._sessions.renewed(ACTING.get())
        except FraudError as error:
            return JSONResponse({"detail": str(error)}, _status_of(error))
        return with_cookie(JSONResponse({"name": session.name, "role": session.role}), session)

    async def sign_out(self, request: Request) -> Response:
        """Whoever signed in there; where the gateway is away its token holds until it ends by itself."""
        if token := request.cookies.get(COOKIE):
            with suppress(FraudError):
                await self._sessions.end(token)
        answer = RedirectResponse(SIGN_IN, 303)
        answer.delete_cookie(COOKIE, secure=True, httponly=True, samesite="strict")
        return answer

    async def health(self, request: Request) -> Response:
        """It serves: without a gateway it says so to whoever looks."""
        return PlainTextResponse("ok\n")


def with_cookie(answer: Response, session: Session) -> Response:
    answer.set_cookie(
        COOKIE, session.token, max_age=session.expires_in_s, secure=True, httponly=True, samesite="strict"
    )
    return answer


async def _form_in(request: Request) -> dict[str, str] | None:
    """None: it is larger than any of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM_BYTES:
            return None
    fields: dict[str, Any] = parse_qs(body.decode("utf-8", "replace"))
    return {name: values[0] for name, values in fields.items()}


def _path_in(text: str | None) -> str:
    """A path of ours, whatever a link says."""
    try:
        parts = urlsplit(text or HOME)
    except ValueError:
        return HOME
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith(("//", "/\\")):
        return HOME
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _why_not(error: FraudError) -> str:
    if isinstance(error, Unauthenticated):
        return "Name or password is wrong, or you are shut out. Try again, or ask an administrator."
    if isinstance(error, GatewayProblem) and error.code == "too_many_failures":
        return "Too many wrong passwords under this name. Wait a minute, then try again."
    if isinstance(error, GatewayProblem):
        return f"{error.title} {error.detail}"
    return str(error)


def _reason_of(error: FraudError) -> str:
    if isinstance(error, GatewayProblem):
        return "too_many" if error.status == TOO_MANY else "malformed"
    return "credentials" if isinstance(error, Unauthenticated) else "unavailable"


def _status_of(error: FraudError) -> int:
    if isinstance(error, GatewayProblem):
        return error.status
    return 401 if isinstance(error, Unauthenticated) else 503
