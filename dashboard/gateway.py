"""The gateway, as the monitor asks it on behalf of somebody who has signed in."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

import httpx

from dashboard.bounds import Bound
from dashboard.metrics import ANSWERED, FAILED, REFUSED
from models.errors import Forbidden, FraudError, GatewayProblem, GatewayUnavailable, Unauthenticated

TIMEOUT_S = 5.0
CONNECT_S = 1.0
# What takes the gateway long by nature: it asks the registry, or computes over many rows.
LONG_S = 30.0
QUICK_CONNECTIONS, LONG_CONNECTIONS = 20, 8
# Each page of models has four; whoever asks for more at once waits for his own.
MOST_LONG = 6

Parameters = Mapping[str, str | int | float | bool]


class GatewayClient:
    """address: of the gateway. key: the monitor's own, which may act for people; asked for with each request
    where it may be turned. heard: told what came of each question.

    What takes long has connections of its own, so that nothing quick waits for it.
    """

    def __init__(
        self,
        address: str,
        key: str | Callable[[], str],
        transport: httpx.AsyncBaseTransport | None = None,
        heard: Callable[[str], None] = lambda outcome: None,
    ) -> None:
        def client(connections: int) -> httpx.AsyncClient:
            return httpx.AsyncClient(
                base_url=address,
                limits=httpx.Limits(max_connections=connections),
                transport=transport,
                trust_env=False,
            )

        self._heard = heard
        self._key = key if callable(key) else lambda: key
        self._quick, self._long = client(QUICK_CONNECTIONS), client(LONG_CONNECTIONS)
        self._longs = Bound(MOST_LONG, "You have asked for much at once.")

    async def get(
        self, path: str, token: str, parameters: Parameters | None = None, *, within_s: float = TIMEOUT_S
    ) -> Any:
        """What the gateway tells.

        Raises:
            GatewayUnavailable: it does not answer, or has nobody to ask.
            Unauthenticated: the token does not hold any more.
            Forbidden: whoever it names may not see this.
            GatewayProblem: it says no to the question.
        """
        return await self._ask("GET", path, token, within_s, params=parameters)

    async def post(
        self, path: str, token: str | None, document: Any = None, *, within_s: float = TIMEOUT_S
    ) -> Any:
        """What came of an action; token: None where nobody has signed in yet.

        Raises:
            As above.
        """
        return await self._ask("POST", path, token, within_s, json=document)

    async def close(self) -> None:
        await self._quick.aclose()
        await self._long.aclose()

    async def _ask(self, method: str, path: str, token: str | None, within_s: float, **how: Any) -> Any:
        try:
            found = await self._asked(method, path, token, within_s, **how)
        except FraudError as error:
            self._heard(FAILED if isinstance(error, GatewayUnavailable) else REFUSED)
            raise
        self._heard(ANSWERED)
        return found

    async def _asked(self, method: str, path: str, token: str | None, within_s: float, **how: Any) -> Any:
        if token and not token.isascii():
            raise Unauthenticated("this is no session of ours", next_step="sign in again")
        headers = {"X-API-Key": self._key()} | ({"X-User-Token": token} if token else {})
        how = {name: value for name, value in how.items() if value is not None}
        try:
            answer = await self._answer(method, path, within_s, token or "", headers=headers, **how)
        except (httpx.HTTPError, TimeoutError) as error:
            raise GatewayUnavailable("the gateway does not answer", why=type(error).__name__) from None
        if answer.is_success:
            return _document_in(answer)
        _refuse(answer)

    async def _answer(
        self, method: str, path: str, within_s: float, token: str, **how: Any
    ) -> httpx.Response:
        timeout = httpx.Timeout(within_s, connect=CONNECT_S, pool=within_s)
        async with asyncio.timeout(within_s):
            if within_s <= TIMEOUT_S:
                return await self._quick.request(method, path, timeout=timeout, **how)
            with self._longs.of(token):
                return await self._long.request(method, path, timeout=timeout, **how)


def _document_in(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise GatewayUnavailable("what answers in the gateway's place is none") from None


def _refuse(answer: httpx.Response) -> NoReturn:
    try:
        problem = dict(answer.json())
        code, title = str(problem["code"]), str(problem["title"])
    except (ValueError, KeyError, TypeError):
        raise GatewayUnavailable(
            "what answers in the gateway's place is none", why=f"status {answer.status_code}"
        ) from None
    detail = _detail_of(problem)
    if answer.status_code == 401:
        raise Unauthenticated(title, why=detail, next_step="sign in again")
    if answer.status_code == 403:
        raise Forbidden("your role may not do this", why=detail)
    if answer.status_code >= 500:
        raise GatewayUnavailable(title, why=detail)
    raise GatewayProblem(code, title, detail, answer.status_code)


def _detail_of(problem: dict[str, Any]) -> str:
    """What is wrong with which field, where the gateway names one."""
    errors = problem.get("errors")
    if isinstance(errors, list) and all(isinstance(each, dict) for each in errors) and errors:
        return "; ".join(f"{each.get('field', '')}: {each.get('message', '')}" for each in errors)
    return str(problem.get("detail", ""))
