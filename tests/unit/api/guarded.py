"""The routes of the committed OpenAPI document, and the real application with keys that a test makes up."""

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import httpx
from prometheus_client import CollectorRegistry

from api.access import Access
from api.app import build_app
from api.failed_keys import FailedKeys
from api.limits import Allowance
from api.metrics import ApiMetrics
from api.parts import Gateway
from models.api_key import not_a_key
from models.errors import Unavailable
from models.scopes import Key, Scope
from streams.spans import UNCOLLECTED
from tests.unit.api.described import FILE


class Guarded(NamedTuple):
    """A route as the document has it: any one of the scopes opens it; none where it needs no key."""

    method: str
    path: str
    scopes: tuple[str, ...]

    @property
    def filled(self) -> str:
        """With something in place of its parameters."""
        return re.sub(r"\{[^}]*\}", "some-id", self.path)


def guarded_routes() -> Iterator[Guarded]:
    for path, operations in json.loads(FILE.read_text())["paths"].items():
        for method, operation in operations.items():
            scopes = tuple(scope for each in operation.get("security", []) for scope in each["key"])
            yield Guarded(method.upper(), path, scopes)


class Doors(SimpleNamespace):
    """Behind them is only what a test puts there: whatever else is wanted does not answer."""

    def __getattr__(self, name: str) -> Any:
        raise Unavailable(f"there is no {name} here")


class Caller:
    """Asks the real application in this process. keys: by what is presented. parts: behind the doors.
    clock_ms: the wall clock."""

    def __init__(self, keys: dict[str, Key], failures: int = 1000, clock_ms: int = 0, **parts: Any) -> None:
        self.now_s = 0.0
        self.clock_ms = clock_ms
        self.verified: list[str] = []
        self.told: list[tuple[str, int, int]] = []
        self.metrics = ApiMetrics(CollectorRegistry())
        self._keys = keys
        failed = FailedKeys(failures, lambda: self.now_s, lambda *told: self.told.append(told), b"salt")
        access = Access(self._verify, self._allow, failed, self.metrics.unauthenticated, self._verify)
        gateway = Doors(metrics=self.metrics, metrics_here=True, spans=UNCOLLECTED, access=access, **parts)
        self.app = build_app(cast(Gateway, gateway), now_ms=lambda: self.clock_ms, version="1")

    def ask(
        self,
        method: str,
        path: str,
        key: str | None = None,
        address: str = "127.0.0.1",
        token: str | None = None,
        **words: Any,
    ) -> httpx.Response:
        async def one() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False, client=(address, 1))
            headers = {} if key is None else {"X-API-Key": key}
            headers |= {} if token is None else {"X-User-Token": token}
            async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
                return await client.request(method, path, headers=headers, **words)

        return asyncio.run(one())

    def _verify(self, presented: str) -> Key:
        self.verified.append(presented)
        if presented not in self._keys:
            raise not_a_key()
        return self._keys[presented]

    async def _allow(self, key: Key) -> Allowance:
        return Allowance(True, 100, 99, 60.0)


def key_of(scopes: Sequence[Scope], name: str = "till") -> Key:
    return Key(key_id="AAAAAAAAAAA", owner="shop", name=name, scopes=tuple(scopes))
