"""What other thresholds would have done to the same transactions."""

from functools import lru_cache
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.cards import table
from dashboard.model_cards.figures import money, signed
from dashboard.model_cards.framing import DRAWN, Document, Look, filled, minute, nothing
from dashboard.model_cards.hearing import Heard
from dashboard.model_cards.metrics import currency_in
from dashboard.model_cards.questions import Thresholds
from dashboard.page import Updates
from dashboard.wording import count

LABELS = {"review": "Review from", "decline": "Decline from"}
MARKS = [{"value": each, "label": f"{each:g}"} for each in (0, 0.25, 0.5, 0.75, 1)]


def per_day(value: float) -> str:
    return f"{value:,.1f}"


FIGURES = (
    ("reviews_per_day", "Reviews per day", per_day),
    ("declines_per_day", "Declines per day", per_day),
    ("frauds_caught", "Frauds caught", count),
    ("frauds_missed", "Frauds missed", count),
    ("fraud_caught_minor", "Amount of fraud caught", money),
    ("fraud_missed_minor", "Amount of fraud missed", money),
    ("cost_per_thousand_minor", "Expected cost per 1,000", money),
)


def controls(asked: Thresholds | None) -> Component:
    """asked: of the address; where it names none, those in force come when they are known."""
    values: dict[str, Any] = asked._asdict() if asked else {}
    return html.Div(
        [
            dcc.Store(id="models-standing"),
            *(_control(name, label, values.get(name)) for name, label in LABELS.items()),
        ]
    )


def _control(name: str, label: str, value: float | None) -> Component:
    slider = dmc.Slider(
        id=f"models-{name}-slider",
        value=value or 0,  # a slider that stands nowhere is none to those who hear a page
        min=0,
        max=1,
        step=0.01,
        marks=MARKS,
        updatemode="mouseup",
        thumbLabel=f"{label}, slider",
        mb="lg",
        flex=1,
        miw=140,
    )
    number = dmc.NumberInput(
        id=f"models-{name}-number",
        value="" if value is None else value,
        label=label,
        min=0,
        max=1,
        step=0.01,
        decimalScale=4,
        clampBehavior="blur",
        debounce=True,
        size="xs",
        w=110,
    )
    return dmc.Group([number, slider], gap="md", align="end", mb="sm", wrap="nowrap")


def standing(asked: Thresholds | None) -> Updates:
    """Where the sliders stand."""
    return {("models-standing", "data"): asked._asdict()} if asked else {}


@lru_cache(DRAWN)
def show_what_if(what_if: Heard, newest: Heard, look: Look) -> Updates:
    told = what_if.document
    if told is None:
        return filled("what-if", None, what_if)
    if told["asked"] is None:
        words = (
            "There is nothing to try thresholds on: no decision of the split in force has a label that is "
        )
        return filled("what-if", nothing(words, "old enough. Above stands when there will be one."), what_if)
    content = [
        dmc.Text(in_words(told), size="sm", my="xs"),
        _table(told),
        nothing(_tried_on(told, newest, look)),
    ]
    return filled("what-if", content, what_if)


def in_words(told: Document) -> str:
    asked, less = told["asked"], told["differences"]
    at = told["thresholds"]
    alerts = (
        f"With review from {at['review']:g} and decline from {at['decline']:g} there would have been "
        f"{per_day(asked['reviews_per_day'])} reviews a day ({_more(less['reviews_per_day'], per_day)}) and "
        f"{per_day(asked['declines_per_day'])} declines a day ({_more(less['declines_per_day'], per_day)})."
    )
    missed = less["frauds_missed"]
    frauds = (
        f"{count(abs(missed))} fraud{'' if abs(missed) == 1 else 's'} {'more' if missed > 0 else 'fewer'}"
    )
    amount = f"the amount missed is {_more(less['fraud_missed_minor'], money)}"
    caught = f"It misses as many frauds; {amount}." if not missed else f"It misses {frauds}; {amount}."
    cost = less["cost_per_thousand_minor"]
    costs = f"A thousand transactions cost {_more(cost, money)}."
    return f"{alerts} {caught} {costs}"


def _more(difference: float, text: Any) -> str:
    size = text(abs(difference))
    if size == text(0):
        return "the same"
    return f"{size} {'more' if difference > 0 else 'less'}"


def _table(told: Document) -> Component:
    rows = [
        (
            label,
            text(told["in_force"][name]),
            text(told["asked"][name]),
            signed(told["differences"][name], text),
        )
        for name, label, text in FIGURES
    ]
    head = ("Figure", f"Policy {told['policy_version']}", "These thresholds", "Difference")
    return table(head, rows, "", "What these thresholds would have done")


def _tried_on(told: Document, newest: Heard, look: Look) -> str:
    span = f"{minute(told['from'], look)} to {minute(told['to'], look)}"
    bands = len(told["bands"])
    by_amount = (
        f" The policy in force has {bands} bands of amounts; these thresholds are for all."
        if bands > 1
        else ""
    )
    currency = currency_in(newest)
    amounts = f" Amounts in {currency}." if currency else ""
    cut = " There were more labels than are read: only the newest count." if told["truncated"] else ""
    return (
        f"Tried on {count(told['labelled'])} labelled decisions of {count(told['days'])} days, event times "
        f"{span}. Reviewers are taken to find {told['costs']['review_catches']:.0%} of the frauds that they "
        f"look at.{by_amount}{amounts}{cut}"
    )
