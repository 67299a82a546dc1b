"""What decides: split, policy and versions, and who changed that last."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.cards import table
from dashboard.model_cards.figures import money
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
    with_small,
)
from dashboard.model_cards.hearing import Heard
from dashboard.page import Updates
from dashboard.wording import NOTHING, share

MOST_BANDS_SHOWN, MOST_CHANGES = 4, 8
CHANGES = ("promote", "activate")


@lru_cache(DRAWN)
def show_in_force(deciding: Heard, split: Heard, policy: Heard, look: Look) -> Updates:
    parts: list[Any] = []
    if split.document is not None:
        rules = (deciding.document or {}).get("in_force")
        parts += _split(split.document, rules, look)
        if deciding.document is not None:
            parts += _taken(rules, split.document["in_force"], (policy.document or {}).get("in_force"))
    if policy.document is not None:
        parts += _policy(policy.document, look)
    return filled("in-force", parts or None, deciding, split, policy)


def _split(told: Document, rules: Document | None, look: Look) -> list[Any]:
    versions = {each["variant"]: each for each in (rules or {}).get("variants", [])}
    rows = [
        (
            each["name"],
            share(each["weight"]),
            f"{each['model_name']} as {each['alias']}",
            _version(each, versions),
        )
        for each in told["ab"]["variants"]
    ]
    return [
        subtitle(f"Split {told['in_force']}"),
        _since(told, look),
        table(("Variant", "Customers", "Decided by", "Version"), rows, "", "The split in force"),
    ]


def _version(variant: Document, versions: Document) -> str:
    found = versions.get(variant["name"])
    return f"v{found['model_version']}" if found else NOTHING


def _taken(rules: Document | None, split: str, policy: str | None) -> list[Any]:
    """Whether what was put in force has arrived where decisions are made."""
    if rules is None:
        words = "▲ No model is in force: decisions are made by the amount alone. "
        return [nothing(words, "Train one with fraudml train … --register, then promote it.")]
    behind = [
        f"{what} {rules[name]}"
        for what, name, wanted in (("split", "ab_version", split), ("policy", "policy_version", policy))
        if wanted is not None and rules[name] != wanted
    ]
    if not behind:
        return []
    return [
        nothing(f"▲ The gateway still decides by {' and '.join(behind)}: it takes up changes within seconds.")
    ]


def _policy(told: Document, look: Look) -> list[Any]:
    bands = told["policy"]["bands"]
    shown = bands_table(bands)
    if len(bands) > MOST_BANDS_SHOWN:
        shown = folded(f"Thresholds of {len(bands)} bands of amounts", shown)
    return [
        subtitle(f"Policy {told['in_force']}"),
        _since(told, look),
        shown,
        nothing(f"Without a model: {_without_model(told['policy']['without_model'])}."),
    ]


def bands_table(bands: Sequence[Document]) -> Component:
    rows = [
        (money(each["amount_minor"]), f"{each['review_at']:g}", f"{each['decline_at']:g}") for each in bands
    ]
    return table(("Amounts from", "Review from", "Decline from"), rows, "", "Thresholds by amount")


def _without_model(fallbacks: Sequence[Document]) -> str:
    return ", ".join(f"{each['verdict']} from {money(each['amount_minor'])} on" for each in fallbacks)


def _since(told: Document, look: Look) -> Component:
    """Who put it in force."""
    done = [each for each in told["activations"] if each["outcome"] == "done"]
    if not done or done[-1]["after"] != told["in_force"]:
        return nothing("In force from the beginning: nobody has activated another.")
    last = done[-1]
    why = last["why"] or "no reason given"
    return nothing(f"Since {minute(last['happened_at'], look)}, by {last['actor']}: {why}")


@lru_cache(DRAWN)
def show_changes(audit: Heard, look: Look) -> Updates:
    if audit.document is None:
        return filled("changes", None, audit)
    rows = [each for each in audit.document["rows"] if each["action"] in CHANGES][:MOST_CHANGES]
    content = table(
        ("When", "What"),
        [
            (with_small(at(each["happened_at"], look), each["actor"]), with_small(_what(each), _why(each)))
            for each in rows
        ],
        "Nobody has promoted or activated anything, as far as the last 200 rows of the audit table tell.",
        "Last changes of what decides",
    )
    return filled("changes", html.Div(content), audit)


def _what(row: Document) -> str:
    what = row["object"].replace("@", " as ") if row["action"] == "promote" else row["object"]
    words = f"{what}: {row['before'] or 'nothing'} → {row['after']}"
    return words if row["outcome"] == "done" else f"▲ {row['outcome']}: {words}"


def _why(row: Document) -> str:
    return row["why"] or NOTHING
