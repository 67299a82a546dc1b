"""Rules: policies and splits, shown, kept and put in force."""

from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.examples import ACTIVATION, POLICY, SPLIT
from api.orders import AskedPolicy, AskedSplit, Explanation, checked, order_in
from api.parts import Gateway
from api.problems import Problem
from api.reply import reply_with
from api.route import Route, known, told
from models.ab_test import LONGEST_VERSION, changed_split
from streams.ledger import rules

OF_READING = ("invalid_value", "not_found")
PROBLEMS = (*bodies.OF_ORDERS, "misuse")
ASKED_SPLIT = {"version": "more-lightgbm", "weights": {"champion": 0.8, "challenger": 0.2}, "why": "a trial"}
IN_FORCE = {"before": "default-1", "in_force": "may-1"}


class Rules:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        versions = {"in_force": "default-1", "versions": ["default-1", "may-1"], "activations": [ACTIVATION]}
        splits, policies = told(**versions, ab=SPLIT), told(**versions, policy=POLICY)
        split, policy = [known("AskedSplit", ASKED_SPLIT)], [known("AskedPolicy", POLICY)]
        activated, why = {200: told(**IN_FORCE)}, [known("Explanation", {"why": "seen by the fraud desk"})]
        changed = {201: told(before="default-1", in_force="more-lightgbm", ab=SPLIT)}
        path = "/v1/policies"
        one = f"{path}/{{version}}/activate"
        return [
            Route("GET", "/v1/ab", self.splits, {200: splits}, "stats:read", problems=OF_READING),
            Route("POST", "/v1/ab", self.change_split, changed, "models:admin", split, PROBLEMS),
            Route("GET", path, self.policies, {200: policies}, "stats:read", problems=OF_READING),
            Route(
                "POST", path, self.keep_policy, {201: told(policy=POLICY)}, "models:admin", policy, PROBLEMS
            ),
            Route(
                "POST", one, self.activate_policy, activated, "models:admin", why, (*PROBLEMS, "not_found")
            ),
        ]

    async def splits(self, request: Request, version: str | None = None) -> Response:
        """A split, by default the one in force; all others by name; who put which in force."""
        return await self._overview(request, rules.SPLIT, version)

    async def policies(self, request: Request, version: str | None = None) -> Response:
        """A policy, by default the one in force; all others by name; who put which in force."""
        return await self._overview(request, rules.POLICY, version)

    async def change_split(self, request: Request) -> Response:
        """Change the shares of the split in force, and put that in force: workers take it within seconds."""
        admin, order = self._gateway.administration, await order_in(request, AskedSplit)
        current = (await admin.ask(admin.rules.in_force)).split
        with checked():
            changed = changed_split(current, order.version, order.weights, order.salt)
        await admin.ask(admin.rules.keep, rules.SPLIT, changed)
        made = await self._activated(request, rules.SPLIT, order.version, order.why)
        return reply_with(request, {**made, "ab": changed}, 201)

    async def keep_policy(self, request: Request) -> Response:
        """Keep a new policy. Nothing is in force by that."""
        admin, order = self._gateway.administration, await order_in(request, AskedPolicy)
        with checked():
            policy = order.policy()
        await admin.ask(admin.rules.keep, rules.POLICY, policy)
        return reply_with(request, {"policy": policy}, 201)

    async def activate_policy(self, request: Request, version: str) -> Response:
        """Put a policy in force: workers take it within seconds."""
        order = await order_in(request, Explanation)
        return reply_with(
            request, await self._activated(request, rules.POLICY, _possible(version), order.why)
        )

    async def _overview(self, request: Request, kind: rules.Kind, version: str | None) -> Response:
        admin, asked = self._gateway.administration, None if version is None else _possible(version)
        return reply_with(request, await admin.ask(admin.rules.overview, kind, asked))

    async def _activated(self, request: Request, kind: rules.Kind, version: str, why: str) -> dict[str, str]:
        admin, actor = self._gateway.administration, request.state.key.actor
        before = await admin.ask(admin.rules.activate, kind, version, actor=actor, why=why)
        return {"before": before, "in_force": version}


def _possible(version: str) -> str:
    if not 1 <= len(version) <= LONGEST_VERSION or not version.isprintable():
        raise Problem("not_found", "no version has such a name")
    return version
