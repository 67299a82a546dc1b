"""What a gateway may tell of models, and how the page Models is asked for."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
from dash.development.base_component import Component

from api import examples
from api.examples import ACTIVATION, AUDIT_ROW, MODEL, POLICY, PROMOTION, STATISTICS
from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.gateway import GatewayClient
from dashboard.pace import Pace
from dashboard.page import Updates
from dashboard.pages.models import MODELS
from dashboard.sessions import Session
from dashboard.view import view_of
from tests.unit.dashboard.conftest import NOW, Clock
from tests.unit.dashboard.fake_gateway import FakeGateway

LOOKS = ("stats:read", "decisions:read", "audit:read")
VIC = Session("vic", "viewer", LOOKS, "vic:1", 600)
ADA = Session("ada", "admin", (*LOOKS, "models:admin"), "ada:1", 600)

Document = dict[str, Any]
SPLIT: Document = dict(examples.SPLIT)
SPAN = {"from": "2026-01-25T12:00:00Z", "to": "2026-02-22T12:00:00Z"}
COSTS = {"review_catches": 0.95}
HEADING = {**SPAN, "ab_version": "default-1", "policy_version": "may-1", "costs": COSTS, "labelled": 90_400}


def interval(value: float, half: float) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def variant(name: str, auc_roc: float, **changed: Any) -> dict[str, Any]:
    part = {"predicted": 0.001, "observed": 0.0, "low": 0.0, "high": 0.002, "count": 4_065}
    return {
        "name": name,
        "models": ["FraudDetection_XGBoost@2"],
        "customers": 4_480,
        "transactions": 81_300,
        "frauds": 702,
        "auc_roc": interval(auc_roc, 0.013),
        "average_precision": interval(0.672, 0.036),
        "approval_rate": interval(0.991, 0.001),
        "review_rate": interval(0.005, 0.0006),
        "decline_rate": interval(0.004, 0.0005),
        "fraud_caught_minor": interval(5_210_300.0, 500_000.0),
        "fraud_missed_minor": interval(480_200.0, 90_000.0),
        "cost_per_thousand_minor": interval(28_400.0, 4_000.0),
        "calibration": {
            "bins": [part, {**part, "predicted": 0.02, "observed": 0.03, "low": 0.02, "high": 0.04}],
            "top": {**part, "predicted": 0.31, "observed": 0.32, "low": 0.3, "high": 0.35},
        },
        "precision_recall": [
            {"threshold": 0.9, "precision": 0.94, "recall": 0.31},
            {"threshold": 0.4, "precision": 0.8, "recall": 0.6},
            {"threshold": 0.05, "precision": 0.3, "recall": 0.9},
        ],
        "costs": [
            {"threshold": 0.001, "cost_per_thousand_minor": 900_000.0},
            {"threshold": 0.2, "cost_per_thousand_minor": 27_000.0},
            {"threshold": 0.9, "cost_per_thousand_minor": 60_000.0},
        ],
        **changed,
    }


def difference(figure: str, value: float, half: float, told_apart: bool) -> dict[str, Any]:
    found = {"figure": figure, "first": "champion", "second": "challenger", "told_apart": told_apart}
    return {**found, "difference": interval(value, half)}


QUALITY: Document = {
    **HEADING,
    "truncated": False,
    "variants": [variant("champion", 0.871), variant("challenger", 0.867, customers=505)],
    "without_labels": [],
    "differences": [difference("auc_roc", -0.004, 0.017, False)],
    "sample_ratio_p": 0.41,
    "sample_ratio_ok": True,
    "conclusion": "the data cannot tell the variants apart",
    "why": None,
}
NO_LABELS: Document = {
    **QUALITY,
    "labelled": 0,
    "variants": [],
    "without_labels": ["champion", "challenger"],
    "differences": [],
    "sample_ratio_p": None,
    "sample_ratio_ok": None,
    "why": "no decision of the split in force that is old enough has a label",
}
IN_FORCE = {
    "reviews_per_day": 14.5,
    "declines_per_day": 11.6,
    "frauds_caught": 480,
    "frauds_missed": 222,
    "fraud_caught_minor": 521_030,
    "fraud_missed_minor": 148_020,
    "cost_per_thousand_minor": 28_400.0,
}
MORE = {
    "reviews_per_day": 7.0,
    "declines_per_day": 0.0,
    "frauds_caught": 26,
    "frauds_missed": -26,
    "fraud_caught_minor": 14_000,
    "fraud_missed_minor": -14_000,
    "cost_per_thousand_minor": -500.0,
}
WHAT_IF: Document = {
    **HEADING,
    "truncated": False,
    "bands": POLICY["bands"],
    "variant": None,
    "thresholds": {"review": 0.2, "decline": 0.8},
    "frauds": 702,
    "days": 28,
    "asked": {name: IN_FORCE[name] + MORE[name] for name in IN_FORCE},
    "in_force": IN_FORCE,
    "decided": IN_FORCE,
    "differences": MORE,
    "why": None,
}
DRIFT: Document = {
    "from": "2026-02-28T12:00:00Z",
    "to": "2026-03-01T12:00:00Z",
    "decisions": 9_640,
    "models": [
        {
            "name": "FraudDetection_XGBoost",
            "version": "2",
            "variants": ["champion"],
            "rows": 8_690,
            "training_rows": 67_240,
            "features": [
                {"feature": name, "psi": psi, "band": band, "by_chance": 0.0018, "median_then": then,
                 "median_now": now}
                for name, psi, band, then, now in (
                    ("is_night", 0.01, "stable", 0.0, 0.0),
                    ("amount_minor", 0.31, "significant", 5_300.0, 6_100.0),
                    ("customer_tx_count_7d", 0.13, "moderate", 4.0, 5.0),
                )
            ],
            "why": None,
        }
    ],
    "why": None,
}  # fmt: skip
DECIDED: Document = {
    "items": [{"event_time": "2026-03-01T11:00:00Z", "currency": "EUR"}],
    "next_cursor": None,
}
STATS: Document = {
    **STATISTICS,
    "in_force": {
        "policy_version": "may-1",
        "ab_version": "more-lightgbm",
        "variants": [
            {"variant": each["name"], "share": each["weight"], "model_name": each["model_name"],
             "model_version": "2"}
            for each in SPLIT["variants"]
        ],
    },
}  # fmt: skip
ANSWERS: dict[str, Any] = {
    "/v1/stats": STATS,
    "/v1/ab": {"in_force": "more-lightgbm", "ab": SPLIT, "versions": ["default-1"], "activations": []},
    "/v1/policies": {
        "in_force": "may-1",
        "policy": POLICY,
        "versions": ["default-1", "may-1"],
        "activations": [ACTIVATION],
    },
    "/v1/audit": {"rows": [AUDIT_ROW, {**AUDIT_ROW, "action": "create_key"}], "next_before": None},
    "/v1/models": {"models": [{**MODEL, "promotions": [PROMOTION]}]},
    "/v1/decisions": DECIDED,
    "/v1/quality": QUALITY,
    "/v1/what-if": WHAT_IF,
    "/v1/drift": DRIFT,
}


def tell(gateway: FakeGateway, **answers: Any) -> None:
    """answers: by the end of their path, others than the usual ones."""
    for path, usual in ANSWERS.items():
        name = path.removeprefix("/v1/").replace("-", "_")
        gateway.answers["GET", path] = _answering(answers.get(name, usual))


def _answering(told: Any) -> Callable[[httpx.Request], Any]:
    return told if callable(told) else lambda request: told


def asking_of(client: GatewayClient, clock: Clock, session: Session = VIC) -> Asking:
    return Asking(client, SharedAnswers(clock), session, Pace(), lambda: NOW)


def view_at(search: str = "", dark: bool = False) -> Any:
    return view_of({"path": "/models", "search": search, "zone": "UTC", "dark": dark})


def shown(asking: Asking, search: str = "") -> Updates:
    async def look() -> Updates:
        view = view_at(search)
        return MODELS.show(await MODELS.ask(asking, view), view)

    return asyncio.run(look())


def text_of(content: Any) -> str:
    """All words in components, in order."""
    if isinstance(content, Component):
        parts = [getattr(content, "title", None), getattr(content, "children", None)]
        return " ".join(filter(None, map(text_of, parts)))
    if isinstance(content, list | tuple):
        return " ".join(filter(None, map(text_of, content)))
    return "" if content is None else str(content)


def card(updates: Updates, name: str) -> str:
    """What a card says: its trouble, then its content."""
    parts = [(f"models-{name}-state", "children"), (f"models-{name}", "children")]
    return " ".join(filter(None, (text_of(updates.get(part)) for part in parts)))


def figure_in(updates: Updates, name: str, graph: str) -> Any:
    """A figure of a card."""
    content = updates[f"models-{name}", "children"]
    parts = content if isinstance(content, list) else [content]
    for part in parts:
        if isinstance(part, Component):
            for each in [part, *part._traverse()]:
                if getattr(each, "id", None) == f"models-{graph}":
                    return each.figure
    raise LookupError(graph)
