"""What needs no key: probes, metrics, and the pages of the problems."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from api.parts import Gateway
from api.problems import KINDS, PAGES, Problem, page_of
from api.reply import reply_with
from api.route import Content, Route, told

TEXT = "text/plain"


class Probes:
    """version: of this code."""

    def __init__(self, gateway: Gateway, version: str) -> None:
        self._gateway = gateway
        self._version = version

    def routes(self) -> list[Route]:
        ready = {200: told(status="ready"), 503: told(status="not ready")}
        page = Content({"type": "string"}, page_of("not_found"), TEXT)
        found = [
            Route("GET", "/healthz", self.health, {200: told(status="ok")}),
            Route("GET", "/readyz", self.ready, ready),
            Route("GET", "/version", self.which, {200: told(version="0.1.0")}),
            Route("GET", PAGES + "{code}", self.problem, {200: page}, problems=["not_found"]),
        ]
        if self._gateway.metrics_here:
            metrics = Content({"type": "string"}, "fraud_api_requests_in_progress 0.0\n", TEXT)
            found.append(Route("GET", "/metrics", self.metrics, {200: metrics}))
        return found

    async def health(self, request: Request) -> Response:
        """Whether the process answers."""
        return reply_with(request, {"status": "ok"})

    async def ready(self, request: Request) -> Response:
        """Whether it has what it needs to decide."""
        is_ready = self._gateway.is_ready()
        status = "ready" if is_ready else "not ready"
        return reply_with(request, {"status": status}, 200 if is_ready else 503)

    async def which(self, request: Request) -> Response:
        """Which version answers."""
        return reply_with(request, {"version": self._version})

    async def problem(self, request: Request, code: str) -> Response:
        """What a type of problem means."""
        if code not in KINDS:
            raise Problem("not_found")
        return PlainTextResponse(page_of(code))

    async def metrics(self, request: Request) -> Response:
        """For Prometheus."""
        return PlainTextResponse(self._gateway.metrics.page())
