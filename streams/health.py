"""A worker's port: its metrics, whether it lives, and whether it is ready. For probes and for Prometheus."""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import msgspec
from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

Start = Callable[[str, list[tuple[str, str]]], Any]
Wsgi = Callable[[dict[str, Any], Start], Iterable[bytes]]

OK, NOT_FOUND, UNAVAILABLE = "200 OK", "404 Not Found", "503 Service Unavailable"


def health_app(
    registry: CollectorRegistry | None, stuck_for_s: Callable[[], float], ready: Callable[[], bool]
) -> Wsgi:
    """/healthz, /readyz, and /metrics where there is a registry.

    stuck_for_s: how long records have waited with nothing done for them; 0 while the worker is well.
    """
    metrics: Wsgi | None = make_wsgi_app(registry) if registry is not None else None

    def app(request: dict[str, Any], start: Start) -> Iterable[bytes]:
        path = request["PATH_INFO"]
        if path == "/healthz":
            stuck_s = stuck_for_s()
            said = {"status": "stuck", "for_s": round(stuck_s, 1)} if stuck_s else {"status": "ok"}
            return _answer(start, UNAVAILABLE if stuck_s else OK, said)
        if path == "/readyz":
            is_ready = ready()
            said = {"status": "ready" if is_ready else "not ready"}
            return _answer(start, OK if is_ready else UNAVAILABLE, said)
        if path == "/metrics" and metrics is not None:
            return metrics(request, start)
        return _answer(start, NOT_FOUND, {"status": "there is no such page"})

    return app


def _answer(start: Start, status: str, body: object) -> Iterable[bytes]:
    start(status, [("Content-Type", "application/json")])
    return [msgspec.json.encode(body) + b"\n"]


class _Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds: nothing worth a line."""


def serve(app: Wsgi, host: str, port: int) -> WSGIServer:
    """Answer on a thread of its own for as long as the process lives; port 0 takes a free one."""
    server = make_server(host, port, app, ThreadingWSGIServer, _Silent)
    Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server
