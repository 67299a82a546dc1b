"""News: what a page shows is asked for again and again, and pushed to the browser over a socket.

Where the socket is down the browser asks by itself, and hears the same.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from dash import Dash, Input, State, ctx, set_props
from dash.exceptions import WebsocketDisconnected
from plotly.utils import PlotlyJSONEncoder

from dashboard.asking import Asking
from dashboard.bounds import Bound
from dashboard.page import Updates
from dashboard.pages import page_at
from dashboard.routing import drawn_of
from dashboard.sessions import ACTING, Session, Sessions
from dashboard.shell import heard, silent
from dashboard.view import view_of
from models.errors import FraudError, GatewayProblem, Unauthenticated, Unavailable

log = structlog.get_logger(__name__)

# So that nothing is a second old when the next comes.
EVERY_S, LEAST_PAUSE_S = 0.7, 0.2
# Well before a token ends.
RENEW_EVERY_S = 240.0
ANSWERS_WITHIN_S = 5.0
MOST_LOST = 20
MOST_SEATS = 20  # of one person: tabs that hear news


class News:
    """asking: what asks for somebody. clock: monotonic, in seconds. now: the wall clock."""

    def __init__(
        self,
        asking: Callable[[Session], Asking],
        sessions: Sessions,
        clock: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._asking = asking
        self._sessions = sessions
        self._clock = clock
        self._now = now
        self._seats = Bound(MOST_SEATS, "You have opened too many pages.")

    async def of(self, document: Any, session: Session, drawn: Any) -> Updates:
        """What a view shows now; where that cannot be had, why not. drawn: what the page is drawn of; nothing
        is told to another one.

        Raises:
            Unauthenticated: whoever asks is signed in no more.
        """
        try:
            view = view_of(document)
            page = page_at(view)
            if drawn != drawn_of(view, page):
                return {}
            told = await page.ask(self._asking(session), view)
            return {**page.show(told, view), **heard(self._now(), view)}
        except Unauthenticated:
            raise
        except FraudError as error:
            # What is wrong with an address is told in the place of its page.
            return silent(error) if drawn is not None else {}
        except Exception as error:
            log.error("fault", exc_info=error)
            return silent(FraudError("this cannot be shown", why="a fault of ours: the monitor's log has it"))

    def add_to(self, app: Dash) -> None:
        @app.callback(websocket=True, persistent=True)
        async def push() -> None:
            with suppress(GatewayProblem), self._seats.of(ACTING.get().name):
                await self._push()

        @app.callback(
            Input("ask", "data"), State("view", "data"), State("drawn", "data"), prevent_initial_call=True
        )
        async def answer(asked: Any, document: Any, drawn: Any) -> None:
            for (component, name), value in (await self.of(document, ACTING.get(), drawn)).items():
                set_props(component, {name: value})

    async def _push(self) -> None:
        """Until the socket is closed, its page is gone, or nobody is signed in there any more."""
        seat = Seat(ctx.websocket, ACTING.get(), self._clock())
        while seat.is_taken:
            began_s = self._clock()
            try:
                await self._tell(seat)
            except WebsocketDisconnected:
                return
            except TimeoutError:
                seat.lost += 1
            except Unauthenticated:
                # What the browser asks next by itself sends it to the sign-in.
                seat.socket.set_prop_sync("ended", "data", True)
                return
            await asyncio.sleep(max(LEAST_PAUSE_S, began_s + EVERY_S - self._clock()))

    async def _tell(self, seat: "Seat") -> None:
        """What has changed since it was told last.

        Raises:
            Unauthenticated: whoever sits there is signed in no more.
        """
        document, drawn = await asyncio.gather(
            *(seat.socket.get_prop(name, "data", ANSWERS_WITHIN_S) for name in ("view", "drawn"))
        )
        seat.lost = 0
        await self._look_after(seat)
        updates = await self.of(document, seat.session, drawn)
        told = {place: _text(value) for place, value in updates.items()}
        for place, text in told.items():
            if seat.told.get(place) != text:
                seat.socket.set_prop_sync(*place, updates[place])
        seat.told = told

    async def _look_after(self, seat: "Seat") -> None:
        """Whoever is shut out learns nothing more, be it that others asked for it."""
        # Where the gateway is away the token holds for a while, and the page says so.
        with suppress(Unavailable):
            await self._sessions.of(seat.session.token)
            if self._clock() - seat.renewed_s > RENEW_EVERY_S:
                seat.session, seat.renewed_s = await self._sessions.renewed(seat.session), self._clock()


def _text(value: Any) -> str:
    """By which two values are the same: components and patches do not compare."""
    return json.dumps(value, cls=PlotlyJSONEncoder)


@dataclass
class Seat:
    """Somebody before a page. told: what was told last. lost: how often in a row the page did not say what it
    shows.
    """

    socket: Any
    session: Session
    renewed_s: float
    told: dict[tuple[str, str], str] = field(default_factory=dict)
    lost: int = 0

    @property
    def is_taken(self) -> bool:
        """A tab that sleeps answers nothing for a while; one that is gone never does."""
        return self.socket is not None and not self.socket.is_shutdown and self.lost < MOST_LOST
