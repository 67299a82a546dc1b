"""A gateway that the monitor can be tried on without one: what it says is given, or of its examples."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx

from models.user import OPENS, Role

TOLD_S = 600
Answer = Callable[[httpx.Request], Any]


class FakeGateway:
    """people: role by name; everybody's password is `right`. answers: by method and path.

    A token is the name and a number. away: it does not answer. turns: of the event loop,
    before it answers. asked: what it was asked, in order.
    """

    def __init__(self, people: dict[str, Role], answers: dict[tuple[str, str], Answer] | None = None) -> None:
        self.people = people
        self.answers = dict(answers or {})
        self.away = False
        self.turns = 0
        self.asked: list[httpx.Request] = []
        self._signed = 0

    @property
    def transport(self) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(self._answer)

    def paths(self) -> list[str]:
        return [request.url.path for request in self.asked]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.away:
            raise httpx.ConnectError("away")
        path = request.url.path
        if path == "/v1/sessions":
            return self._sign_in(json.loads(request.content))
        if path == "/v1/sessions:vouch":
            return self._vouched(json.loads(request.content)["name"])
        name = request.headers.get("X-User-Token", "").partition(":")[0]
        if name not in self.people:
            return problem(401, "unauthenticated", "No valid key")
        if path == "/v1/session":
            return self._told(name, 200)
        found = self.answers.get((request.method, path))
        if found is None:
            return problem(404, "not_found", "There is no such thing")
        answer = found(request)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def _sign_in(self, document: dict[str, str]) -> httpx.Response:
        if document["name"] not in self.people or document["password"] != "right":
            return problem(401, "unauthenticated", "No valid key")
        return self._told(document["name"], 201)

    def _vouched(self, name: str) -> httpx.Response:
        if name not in self.people:
            return problem(401, "unauthenticated", "No valid key")
        return self._told(name, 201)

    def _told(self, name: str, status: int) -> httpx.Response:
        self._signed += 1
        role = self.people[name]
        session = {
            "name": name,
            "role": role,
            "scopes": list(OPENS[role]),
            "token": f"{name}:{self._signed}",
            "expires_in_s": TOLD_S,
        }
        return httpx.Response(status, json=session)


def problem(status: int, code: str, title: str, detail: str = "") -> httpx.Response:
    document = {"type": f"/problems/{code}", "title": title, "status": status, "code": code, "detail": detail}
    return httpx.Response(status, json=document)
