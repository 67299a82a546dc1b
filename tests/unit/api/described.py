"""The gateway's OpenAPI document: `python -m tests.unit.api.described` writes the committed one anew."""

import json
from types import SimpleNamespace
from typing import Any, cast

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from api.app import build_app
from api.metrics import ApiMetrics
from api.parts import Gateway
from streams.settings import CHECKOUT

FILE = CHECKOUT / "api" / "openapi.json"


def app_without_stores() -> FastAPI:
    """Its routes, none of which may be called."""
    parts = SimpleNamespace(metrics=ApiMetrics(CollectorRegistry()), metrics_here=True)
    return build_app(cast(Gateway, parts), now_ms=lambda: 0, version="1")


def document() -> dict[str, Any]:
    return app_without_stores().openapi()


def text() -> str:
    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
