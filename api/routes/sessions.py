"""Sessions: who signs in, who acts by a token, and the end of that."""

from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.access import USER_HEADER
from api.examples import SESSION
from api.failed_keys import FailedKeys
from api.orders import AskedSession, Session, Vouched, order_in
from api.parts import Gateway
from api.problems import Problem
from api.reply import reply_with
from api.route import Content, Route, known, told
from api.routes.keys import UNCACHED
from api.routes.users import possible
from models.errors import Unauthenticated
from models.scopes import Key, Scope
from models.user import OPENS, OWNER, Token
from streams.ledger.users import KnownUser

READ: Scope = "stats:read"  # whoever may act at all
NOBODY = ("not_found",)


class Sessions:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        session = known("Session", SESSION)
        who = [known("AskedSession", {"name": "ann", "password": "a sentence that only ann knows"})]
        name = [known("Vouched", {"name": "ann"})]
        made: dict[int, Content] = {201: session}
        return [
            Route("POST", "/v1/sessions", self.sign_in, made, "users:act", who, bodies.OF_ORDERS),
            Route("POST", "/v1/sessions:vouch", self.vouch, made, "users:vouch", name, bodies.OF_ORDERS),
            Route("POST", "/v1/sessions:end", self.sign_out, {200: told()}, READ, problems=NOBODY),
            Route("GET", "/v1/session", self.session, {200: session}, READ, problems=NOBODY),
        ]

    async def sign_in(self, request: Request) -> Response:
        """Sign somebody in. A name whose passwords have failed again and again waits."""
        order = await order_in(request, AskedSession)
        failed: FailedKeys = self._gateway.failed_passwords
        if (wait_s := failed.wait_s(order.name, order.password)) is not None:
            raise Problem("too_many_failures", headers={"Retry-After": str(wait_s)})
        admin = self._gateway.administration
        try:
            found = await admin.sign_in(order.name, order.password)
        except Unauthenticated:
            failed.failed(order.name, order.password)
            raise
        failed.opened(order.name, order.password)
        return _told(request, found, self._gateway.people.signed_in(found), 201)

    async def vouch(self, request: Request) -> Response:
        """Take somebody's word that it is them: for what stands behind a proxy that signs people in."""
        order, admin = await order_in(request, Vouched), self._gateway.administration
        found = await admin.ask(admin.users.acting, possible(order.name))
        return _told(request, found, self._gateway.people.signed_in(found), 201)

    async def session(self, request: Request) -> Response:
        """Who acts by this token, and the next token."""
        key, token = _acting(request)
        admin = self._gateway.administration
        found = await admin.ask(admin.users.acting, key.name)
        return _told(request, found, self._gateway.people.renewed(token, found), 200)

    async def sign_out(self, request: Request) -> Response:
        """Sign out whom this token names: within five seconds none of his tokens opens anything."""
        key, token = _acting(request)
        admin, signed = self._gateway.administration, self._gateway.people.read(token)
        await admin.ask(admin.users.sign_out, signed.name, signed.epoch, actor=key.actor)
        return reply_with(request, {})


def _acting(request: Request) -> tuple[Key, str]:
    """Who acts, by which token."""
    key: Key = request.state.key
    if key.owner != OWNER:
        raise Problem("not_found", "this key acts for nobody")
    return key, request.headers[USER_HEADER]


def _told(request: Request, known: KnownUser, token: Token, status: int) -> Response:
    session = Session(
        name=known.name,
        role=known.role,
        scopes=OPENS[known.role],
        token=token.text,
        expires_in_s=token.expires_in_s,
    )
    return reply_with(request, session, status, UNCACHED)
