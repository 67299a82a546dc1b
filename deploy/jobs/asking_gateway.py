"""A running gateway, asked over HTTP with a key that is made for it and ends with it."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import msgspec

from deploy.jobs.keys import created_key, revoked_key
from deploy.stack.waiting import TimedOut, until
from models.decision import Decision
from models.errors import Unavailable
from models.scopes import Scope
from streams.settings import Settings

READY_WITHIN_S = 60.0
ANSWER_WITHIN_S = 5.0
SCOPES: tuple[Scope, ...] = ("score:write", "decisions:read")


@dataclass(frozen=True)
class Answered:
    """What was answered to one question, and how long it took over a connection that stood already."""

    decision: Decision
    took_ms: float


@contextmanager
def key_for(settings: Settings, owner: str, limit_per_minute: int = 100) -> Iterator[str]:
    """A key that is revoked at the end, whatever that is; it would not outlive the day either.

    Raises:
        LedgerUnavailable: keys cannot be kept.
    """
    made = created_key(
        settings,
        env="local",
        owner=owner,
        name=secrets.token_hex(4),
        scopes=[*SCOPES],
        limit_per_minute=limit_per_minute,
        expires_days=1,
        who=owner,
        why="",
    )
    try:
        yield made["key"]
    finally:
        revoked_key(settings, made["key_id"], who=owner, why="no longer needed")


def wait_until_ready(url: str, within_s: float = READY_WITHIN_S) -> None:
    """Until a gateway has all that it decides with, a model too.

    Raises:
        Unavailable: it does not in time.
    """
    with _client(url) as client:
        _until(lambda: _get(client, "/readyz").is_success, f"the gateway at {url} is not ready", within_s)


def wait_for_key(url: str, key: str) -> None:
    """Until it knows a key that has just been made.

    Raises:
        Unavailable: it does not in time.
    """
    with _client(url, key) as client:
        _wait_for_key(client)


def ask_once(url: str, key: str, transaction: bytes) -> Answered:
    """Have one transaction decided, a document of `transactions`.

    Raises:
        Unavailable: it does not answer, or with a problem.
    """
    with _client(url, key) as client:
        _wait_for_key(client)
        began = time.perf_counter()
        try:
            answer = client.post("/v1/score", content=transaction)
        except httpx.HTTPError as error:
            raise Unavailable("the gateway does not answer", why=str(error)) from None
        took_ms = (time.perf_counter() - began) * 1000
    if not answer.is_success:
        raise Unavailable("the gateway does not decide", why=answer.text)
    return Answered(msgspec.json.decode(answer.content, type=Decision), took_ms)


def _client(url: str, key: str = "") -> httpx.Client:
    headers = {"X-API-Key": key, "Content-Type": "application/json"} if key else {}
    return httpx.Client(base_url=url, headers=headers, timeout=ANSWER_WITHIN_S, trust_env=False)


def _wait_for_key(client: httpx.Client) -> None:
    def is_known() -> bool:
        return _get(client, "/v1/decisions/none").status_code != httpx.codes.UNAUTHORIZED

    _until(is_known, "the gateway does not take the key", READY_WITHIN_S)


def _get(client: httpx.Client, path: str) -> httpx.Response:
    try:
        return client.get(path)
    except httpx.HTTPError as error:
        raise Unavailable("the gateway does not answer", why=str(error)) from None


def _until(ready: Callable[[], bool], what: str, within_s: float) -> None:
    try:
        until(ready, within_s=within_s, every_s=0.1)
    except TimedOut as late:
        why = f"not within {within_s:.0f} s: {late}"
        raise Unavailable(what, why=why, next_step="fraudml logs gateway") from None
