"""People: who may sign in, and as what."""

from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.examples import USER
from api.orders import AskedPassword, AskedRole, AskedUser, Explanation, checked, order_in
from api.parts import Gateway
from api.problems import Problem
from api.reply import reply_with
from api.route import Route, known, many
from models.scopes import Scope

PATH = "/v1/users/{name}"
ADMIN: Scope = "keys:admin"
PROBLEMS = (*bodies.OF_ORDERS, "misuse")
OF_ONE = (*PROBLEMS, "not_found")


class Users:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        users, user = many("users", "UserRecord", USER), {200: known("UserRecord", USER)}
        new = {"name": "ann", "role": "analyst", "password": "a sentence that only ann knows"}
        asked, role = [known("AskedUser", new)], [known("AskedRole", {"role": "viewer"})]
        password = [known("AskedPassword", {"password": "another sentence of hers"})]
        why = [known("Explanation", {"why": "has left"})]
        made = {201: known("UserRecord", USER)}
        return [
            Route("GET", "/v1/users", self.list, {200: users}, ADMIN),
            Route("POST", "/v1/users", self.create, made, ADMIN, asked, PROBLEMS),
            Route("POST", f"{PATH}/reset", self.reset, user, ADMIN, password, OF_ONE),
            Route("POST", f"{PATH}/role", self.give, user, ADMIN, role, OF_ONE),
            Route("POST", f"{PATH}/disable", self.disable, user, ADMIN, why, OF_ONE),
        ]

    async def list(self, request: Request) -> Response:
        """All who ever could sign in, by name."""
        admin = self._gateway.administration
        return reply_with(request, {"users": await admin.ask(admin.users.records)})

    async def create(self, request: Request) -> Response:
        """Let somebody sign in."""
        admin, order = self._gateway.administration, await order_in(request, AskedUser)
        words = {"actor": request.state.key.actor, "why": order.why}
        with checked():
            made = await admin.ask(admin.users.create, order.name, order.role, order.password, **words)
        return reply_with(request, made, 201)

    async def reset(self, request: Request, name: str) -> Response:
        """Give somebody another password, and let in who was shut out."""
        admin, order = self._gateway.administration, await order_in(request, AskedPassword)
        words = {"actor": request.state.key.actor, "why": order.why}
        with checked():
            changed = await admin.ask(admin.users.reset, possible(name), order.password, **words)
        return reply_with(request, changed)

    async def give(self, request: Request, name: str) -> Response:
        """Give somebody another role."""
        admin, order = self._gateway.administration, await order_in(request, AskedRole)
        words = {"actor": request.state.key.actor, "why": order.why}
        return reply_with(request, await admin.ask(admin.users.give, possible(name), order.role, **words))

    async def disable(self, request: Request, name: str) -> Response:
        """Shut somebody out, within five seconds; doing it twice changes nothing."""
        admin, order = self._gateway.administration, await order_in(request, Explanation)
        words = {"actor": request.state.key.actor, "why": order.why}
        return reply_with(request, await admin.ask(admin.users.disable, possible(name), **words))


def possible(name: str) -> str:
    """
    Raises:
        Problem: nobody can be called so.
    """
    if "\0" in name:
        raise Problem("not_found", "nobody has such a name")
    return name
