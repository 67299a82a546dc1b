"""The gateway's OpenAPI document: `python -m tests.unit.api.described` writes the committed one anew."""

import json
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.app import build_app
from api.metrics import ApiMetrics
from api.parts import Gateway
from api.route import Route
from api.routes import all_routes
from streams.settings import CHECKOUT
from streams.spans import UNCOLLECTED

FILE = CHECKOUT / "api" / "openapi.json"


def parts_without_stores() -> Gateway:
    """Enough to have routes, none of which may be called."""
    return cast(
        Gateway,
        SimpleNamespace(metrics=ApiMetrics(CollectorRegistry()), metrics_here=True, spans=UNCOLLECTED),
    )


def app_without_stores() -> FastAPI:
    return build_app(parts_without_stores(), now_ms=lambda: 0, version="1")


def routes() -> dict[tuple[str, str], Route]:
    """By method and path."""
    found = all_routes(parts_without_stores(), lambda: 0, "1")
    return {(route.method.lower(), route.path): route for route in found}


def document() -> dict[str, Any]:
    return app_without_stores().openapi()


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
