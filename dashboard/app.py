"""The monitor's application: a Dash app behind a door."""

from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path

from dash import Dash
from fastapi import FastAPI
from starlette.types import ASGIApp

from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.door import Door
from dashboard.gateway import GatewayClient
from dashboard.metrics import MonitorMetrics
from dashboard.news import News
from dashboard.pace import Pace
from dashboard.pages import PAGES
from dashboard.proxied import NamedByProxy
from dashboard.routing import add_routing
from dashboard.sessions import ACTING, Session, Sessions
from dashboard.shell import shell
from dashboard.signing_in import SigningIn

INDEX = """<!doctype html>
<html lang="en">
<head>{%metas%}<title>{%title%}</title>{%favicon%}{%css%}</head>
<body>{%app_entry%}{%config%}{%scripts%}{%renderer%}</body>
</html>
"""


def build_app(
    gateway: GatewayClient,
    *,
    origins: Collection[str],
    proxied: NamedByProxy,
    now: Callable[[], datetime],
    clock: Callable[[], float],
    metrics: MonitorMetrics,
) -> ASGIApp:
    """origins: of pages that may act, beside our own. proxied: by whom people may be named. now: the wall
    clock. clock: monotonic, in seconds.
    """
    sessions = Sessions(gateway, clock)
    shared, pace = SharedAnswers(clock), Pace()

    def asking(session: Session) -> Asking:
        return Asking(gateway, shared, session, pace, now)

    app = _dash()
    add_routing(app, now)
    News(asking, sessions, clock, now).add_to(app)
    for page in PAGES.values():
        if page.act is not None:
            page.act(app, lambda: asking(ACTING.get()))
    signing_in = SigningIn(sessions, proxied, metrics.sign_in_refused)
    signing_in.add_to(app.server)
    # Dash does it at the first request, but not of a page below `/`, which would come without our scripts.
    app._setup_server()
    return Door(app.server, signing_in.whose, origins, _policy(app), clock, metrics.called_back)


def _dash() -> Dash:
    app = Dash(
        "fraudml-monitor",
        # No pages of the framework's own beside ours.
        server=FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        title="Fraud monitor",
        update_title="",
        assets_folder=str(Path(__file__).parent / "assets"),
        suppress_callback_exceptions=True,
        index_string=INDEX,
        enable_mcp=False,
        # Somebody may only look at it for hours.
        websocket_inactivity_timeout=0,
    )
    app.layout = shell(PAGES)
    return app


def _policy(app: Dash) -> str:
    """What a browser may load: what is served here. Components give themselves styles."""
    scripts = " ".join(("'self'", *app.csp_hashes()))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )
