"""Keys: shown, made, rotated and ended. A key is told once, when it is made."""

import re
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.examples import KEY, KEY_USAGES, NEW_KEY, ROTATED_KEY
from api.key_usage import MOST_KEYS, KeyUsage, KeyUsages
from api.orders import AskedKey, AskedRotation, Explanation, checked, order_in
from api.parts import Gateway
from api.problems import Problem
from api.reply import reply_with
from api.route import Route, known, many
from models.api_key import KEY_ID_SIGNS, check_env
from streams.key_desk import asked_for

# A secret must not stay in anybody's cache.
UNCACHED = {"Cache-Control": "no-store"}
KEY_ID = re.compile(rf"[0-9A-Za-z]{{{KEY_ID_SIGNS}}}")
PROBLEMS = (*bodies.OF_ORDERS, "misuse")
ASKED = {"owner": "shop", "name": "till", "scopes": ["score:write"], "expires_days": 90}


class Keys:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        keys, made = many("keys", "KeyRecord", KEY), known("NewKey", NEW_KEY)
        rotated, ended = known("RotatedKey", ROTATED_KEY), known("KeyRecord", KEY)
        overlap = [known("AskedRotation", {"overlap_hours": 1, "why": "left in a log"})]
        why = [known("Explanation", {"why": "the laptop was stolen"})]
        usages = {200: known("KeyUsages", KEY_USAGES)}
        path, of_one = "/v1/keys/{key_id}", (*PROBLEMS, "not_found")
        return [
            Route("GET", "/v1/keys", self.list, {200: keys}, "keys:admin"),
            Route("GET", "/v1/keys/usage", self.usage, usages, "keys:admin"),
            Route(
                "POST",
                "/v1/keys",
                self.create,
                {201: made},
                "keys:admin",
                [known("AskedKey", ASKED)],
                PROBLEMS,
            ),
            Route("POST", f"{path}/rotate", self.rotate, {201: rotated}, "keys:admin", overlap, of_one),
            Route("POST", f"{path}/revoke", self.revoke, {200: ended}, "keys:admin", why, of_one),
        ]

    async def list(self, request: Request) -> Response:
        """All keys there ever were, oldest first; no secrets."""
        admin = self._gateway.administration
        return reply_with(request, {"keys": await admin.ask(admin.keys.records)})

    async def usage(self, request: Request) -> Response:
        """How much of its limit each live key has used in the last 60 s."""
        admin = self._gateway.administration
        limits, live_keys = await admin.ask(admin.keys.limits, MOST_KEYS)
        used = await self._gateway.usage.used([each.key_id for each in limits])
        keys = [KeyUsage(*limit, count) for limit, count in zip(limits, used, strict=True)]
        return reply_with(request, KeyUsages(keys, live_keys))

    async def create(self, request: Request) -> Response:
        """Make a key, of scopes that yours has too. It is told this once."""
        admin, grantor = self._gateway.administration, request.state.key
        order = await order_in(request, AskedKey)
        with checked():
            check_env(order.env)
            asked = asked_for(
                order.owner, order.name, order.scopes, order.limit_per_minute, order.expires_days
            )
        words = {"grantor": grantor, "actor": grantor.actor, "why": order.why}
        made = await admin.ask(admin.keys.create, order.env, asked, **words)
        return reply_with(request, made, 201, UNCACHED)

    async def rotate(self, request: Request, key_id: str) -> Response:
        """Make a second key like this one, of scopes that yours has too, and let the old one expire."""
        admin, grantor = self._gateway.administration, request.state.key
        order = await order_in(request, AskedRotation)
        overlap, words = timedelta(hours=order.overlap_hours), {"actor": grantor.actor, "why": order.why}
        made = await admin.ask(admin.keys.rotate, _possible(key_id), overlap, grantor=grantor, **words)
        return reply_with(request, made, 201, UNCACHED)

    async def revoke(self, request: Request, key_id: str) -> Response:
        """End a key for good. Gateways shut to it within five seconds; doing it twice changes nothing."""
        admin, order = self._gateway.administration, await order_in(request, Explanation)
        actor = request.state.key.actor
        ended = await admin.ask(admin.keys.revoke, _possible(key_id), actor=actor, why=order.why)
        return reply_with(request, ended)


def _possible(key_id: str) -> str:
    if not KEY_ID.fullmatch(key_id):
        raise Problem("not_found", "no key has such an id")
    return key_id
