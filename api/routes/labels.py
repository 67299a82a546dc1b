"""Labels: what became of a transaction."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.examples import LABEL
from api.parts import Gateway
from api.reply import reply_with
from api.route import Route, known, told
from models.label import check_label
from streams.codecs import encode


class Labels:
    """now_ms: the wall clock, to tell event times that lie ahead."""

    def __init__(self, gateway: Gateway, now_ms: Callable[[], int]) -> None:
        self._gateway = gateway
        self._now_ms = now_ms

    def routes(self) -> list[Route]:
        taken = told(label_id="label-1")
        body = known("Label", LABEL)
        problems = (*bodies.PROBLEMS, "event_time_ahead", "event_time_before_1970")
        return [Route("POST", "/v1/labels", self.label, {202: taken}, "labels:write", [body], problems)]

    async def label(self, request: Request) -> Response:
        """Say what became of a transaction."""
        found = bodies.decode(await bodies.body_in(request), bodies.SentLabel)
        check_label(found)
        bodies.check_time(found.event_time, self._now_ms(), self._gateway.ahead_ms)
        topic, trace = self._gateway.labels_topic, request.state.traceparent
        await self._gateway.produce(topic, found.customer_id, encode(found), trace)
        return reply_with(request, {"label_id": found.label_id}, 202)
