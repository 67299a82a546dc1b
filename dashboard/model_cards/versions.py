"""Versions of each model: their aliases, and who gave them."""

from functools import lru_cache
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.cards import table
from dashboard.model_cards.figures import plain
from dashboard.model_cards.framing import (
    DRAWN,
    Document,
    Look,
    at,
    filled,
    folded,
    minute,
    nothing,
    subtitle,
    whole,
    with_small,
)
from dashboard.model_cards.hearing import Heard
from dashboard.page import Updates
from dashboard.wording import NOTHING

METRICS = {"auc_roc": "AUC-ROC", "average_precision": "Average precision"}


@lru_cache(DRAWN)
def show_versions(models: Heard, look: Look) -> Updates:
    if models.document is None:
        return filled("versions", None, models)
    found = [html.Div(_model(each, look)) for each in models.document["models"]]
    missing = nothing("No model is registered. Train one with fraudml train … --register.")
    return filled("versions", found or missing, models)


def _model(model: Document, look: Look) -> list[Any]:
    title = subtitle(model["name"])
    if not model["versions"]:
        return [title, nothing("No version is registered. Train one with fraudml train … --register.")]
    promotions, versions = model["promotions"][::-1], model["versions"]
    told = [name for name in METRICS if any(name in each["metrics"] for each in versions)]
    head = ("Version", "Made", *(f"{METRICS[name]} in training" for name in told), "Promoted")
    rows = [
        (
            with_small(whole(f"v{each['version']}"), ", ".join(each["aliases"]) or "no alias"),
            at(each["created"], look),
            *(_metric(each["metrics"], name) for name in told),
            next((_promoted(made, look) for made in promotions if made["after"] == each["version"]), NOTHING),
        )
        for each in versions
    ]
    return [title, table(head, rows, "", f"Versions of {model['name']}"), _history(model, look)]


def _metric(metrics: Document, name: str) -> str:
    return plain(metrics[name]) if name in metrics else NOTHING


def _promoted(made: Document, look: Look) -> Component:
    words = f"as {made['alias']}, {minute(made['when'], look)}, by {made['who']}"
    return html.Div(with_small(words, made["why"] or "no reason given"), className="words")


def _history(model: Document, look: Look) -> Any:
    rows = [
        (
            at(made["when"], look),
            made["who"],
            made["alias"],
            f"{made['before'] or 'nothing'} → {made['after']}",
            made["why"] or NOTHING,
        )
        for made in model["promotions"][::-1]
    ]
    head = ("When", "Who", "Alias", "Version", "Why")
    history = table(head, rows, "Nobody has promoted a version.", f"Promotions of {model['name']}")
    return folded(f"All promotions ({len(rows)})", history)
