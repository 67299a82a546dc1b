"""Somebody before the monitor, without a browser: the same requests, nothing drawn."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from dashboard.pages import page_at
from dashboard.routing import drawn_of
from dashboard.view import view_of
from models.errors import Unavailable

WITHIN_S = 10.0
SOCKET_PATH = "/_dash-ws-callback"
# When the ledger had counted what an update tells, in milliseconds since 1970.
COUNTED = "live-counted"


class Watcher:
    """Opens a page as a browser does, and hears its news on a thread of its own.

    behind_s: of each update, how old what was shown had become when it came.
    """

    def __init__(self, address: str, name: str, password: str, path: str, search: str = "") -> None:
        self._address = address
        document = {"path": path, "search": search, "zone": "UTC", "dark": False}
        view = view_of(document)
        # What the page would have: news are told to a page that is drawn of its view.
        self._props = {"view": document, "drawn": drawn_of(view, page_at(view))}
        self._client = httpx.Client(
            base_url=address, headers={"Origin": address}, timeout=WITHIN_S, trust_env=False
        )
        self._cookie = self._signed_in(name, password)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self.behind_s: list[float] = []
        self._counted_s: float | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(WITHIN_S)
        self._client.close()

    def _signed_in(self, name: str, password: str) -> str:
        answer = self._client.post("/sign-in", data={"name": name, "password": password, "next": "/"})
        if answer.status_code != 303:
            raise Unavailable("the monitor does not let the watcher in", why=f"status {answer.status_code}")
        return str(answer.headers["set-cookie"]).partition(";")[0]

    def _watch(self) -> None:
        headers = {"Cookie": self._cookie}
        dependencies = self._client.get("/_dash-dependencies", headers=headers).json()
        news = next(each for each in dependencies if each.get("persistent"))
        url = f"ws://{urlsplit(self._address).netloc}{SOCKET_PATH}"
        with connect(
            url,
            origin=Origin(self._address),
            additional_headers=headers,
            proxy=None,
            max_size=None,
        ) as socket:
            socket.send(json.dumps(_asked(news["output"])))
            while not self._stop.is_set():
                for message in _heard(socket):
                    self._answer(socket, message)

    def _answer(self, socket: ClientConnection, message: dict[str, Any]) -> None:
        if message["type"] == "get_props_request":
            asked = self._props[message["payload"]["componentId"]]
            told = {"requestId": message["requestId"], "payload": {"data": asked}}
            socket.send(json.dumps({"type": "get_props_response", **told}))
        elif message["type"] == "set_props" and message["payload"]["componentId"] == COUNTED:
            if self._counted_s is not None:
                self.behind_s.append(time.time() - self._counted_s)
            self._counted_s = message["payload"]["props"]["data"] / 1000


def _asked(output: str) -> dict[str, Any]:
    payload = {"output": output, "outputs": [], "inputs": [], "state": [], "changedPropIds": []}
    return {"type": "callback_request", "requestId": "news", "rendererId": "watcher", "payload": payload}


def _heard(socket: ClientConnection) -> Iterator[dict[str, Any]]:
    try:
        told = json.loads(socket.recv(timeout=1.0))
    except TimeoutError:
        return
    yield from told if isinstance(told, list) else [told]
