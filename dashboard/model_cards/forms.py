"""What administrators do here: what each action asks for, what it sends, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

import dash_mantine_components as dmc
from dash.development.base_component import Component

from dashboard.model_cards.framing import Document
from dashboard.wording import share
from models.errors import BadSetting

LONGEST_WHY, LONGEST_VERSION = 500, 64
ALIASES = ("champion", "challenger")
BY_THE_SPLIT = "as the split has it"
SHARE = "share:"

# What was filled in, by the name of the field.
Fields = Mapping[str, Any]


class Known(NamedTuple):
    """What the gateway tells of what is in force. models: empty where the action does not need them."""

    split: Document
    policies: Document
    models: Sequence[Document] = ()


class Order(NamedTuple):
    path: str
    document: dict[str, Any]


class Form(NamedTuple):
    """kind: ids are made of it. fields: given what is known and the time. order: what is asked of the
    gateway; raises BadSetting where something is missing. outcome: of its answer, in words.
    """

    kind: str
    title: str
    button: str
    wants_models: bool
    fields: Callable[[Known, datetime], list[Component]]
    order: Callable[[Fields], Order]
    outcome: Callable[[Document], str]


def field_id(kind: str, name: str) -> dict[str, str]:
    return {f"models-{kind}": name}


def said(fields: Fields, name: str, what: str) -> str:
    """
    Raises:
        BadSetting: nothing is.
    """
    text = fields.get(name)
    if not isinstance(text, str) or not text.strip():
        raise BadSetting(f"{what} is wanted", next_step="fill it in")
    return text.strip()


def why_in(fields: Fields) -> str:
    """
    Raises:
        BadSetting: no reason is given.
    """
    return said(fields, "why", "a reason")


def why_field(kind: str) -> Component:
    return dmc.Textarea(
        id=field_id(kind, "why"),
        label="Why",
        description="Stands in the audit table, for everybody to read.",
        required=True,
        value="",
        autosize=True,
        minRows=2,
        inputProps={"maxLength": LONGEST_WHY},
    )


def _alias_field(kind: str) -> Component:
    data = [BY_THE_SPLIT, *ALIASES]
    return dmc.Select(
        id=field_id(kind, "alias"), label="Alias", data=data, value=BY_THE_SPLIT, allowDeselect=False
    )


def alias_in(fields: Fields) -> str | None:
    alias = fields.get("alias")
    return str(alias) if alias in ALIASES else None


def _promotion_fields(known: Known, now: datetime) -> list[Component]:
    data = [
        {"value": f"{model['name']}@{each['version']}", "label": _version_label(model, each)}
        for model in known.models
        for each in model["versions"]
    ]
    version = dmc.Select(
        id=field_id("promote", "version"), label="Version", data=data, searchable=True, required=True
    )
    return [version, _alias_field("promote"), why_field("promote")]


def _version_label(model: Document, version: Document) -> str:
    aliases = f" ({', '.join(version['aliases'])})" if version["aliases"] else ""
    return f"{model['name']} v{version['version']}{aliases}"


def version_in(fields: Fields) -> tuple[str, str]:
    """A model's name and a version.

    Raises:
        BadSetting: none is chosen.
    """
    name, _, version = said(fields, "version", "a version").rpartition("@")
    return name, version


def _promotion(fields: Fields) -> Order:
    name, version = version_in(fields)
    document = {"version": version, "alias": alias_in(fields), "why": why_in(fields)}
    return Order(f"/v1/models/{quote(name, safe='')}/promote", document)


def _rollback_fields(known: Known, now: datetime) -> list[Component]:
    names = [model["name"] for model in known.models if model["versions"]]
    model = dmc.Select(
        id=field_id("rollback", "model"), label="Model", data=names, value=(names or [None])[0], required=True
    )
    return [model, _alias_field("rollback"), why_field("rollback")]


def _rollback(fields: Fields) -> Order:
    name = said(fields, "model", "a model")
    return Order(
        f"/v1/models/{quote(name, safe='')}/rollback", {"alias": alias_in(fields), "why": why_in(fields)}
    )


def _promoted(told: Document) -> str:
    words = f"{told['name']} as {told['alias']}: {told['before'] or 'nothing'} → {told['after']}."
    return " ".join((words, *(f"{note[:1].upper()}{note[1:]}." for note in told["notes"])))


def _share_fields(known: Known, now: datetime) -> list[Component]:
    shares = [
        dmc.NumberInput(
            id=field_id("shares", SHARE + each["name"]),
            label=f"Customers of {each['name']}",
            value=round(each["weight"] * 100, 4),
            suffix=" %",
            min=0,
            max=100,
            decimalScale=4,
            required=True,
        )
        for each in known.split["ab"]["variants"]
    ]
    version = dmc.TextInput(
        id=field_id("shares", "version"),
        label="Name of the new split",
        value=f"split-{now:%Y-%m-%d-%H%M}",
        required=True,
        inputProps={"maxLength": LONGEST_VERSION},
    )
    return [*shares, version, why_field("shares")]


def weights_in(fields: Fields) -> dict[str, float]:
    """
    Raises:
        BadSetting: one is missing, or they are not all customers.
    """
    given = {name.removeprefix(SHARE): value for name, value in fields.items() if name.startswith(SHARE)}
    for name, value in given.items():
        if not isinstance(value, int | float) or not 0 <= value <= 100:
            raise BadSetting(f"the share of {name} is wanted", next_step="use a number from 0 to 100")
    weights = {name: round(value / 100, 6) for name, value in given.items()}
    if abs(sum(weights.values()) - 1) > 1e-9:
        raise BadSetting(
            "the shares are not those of all customers",
            why=f"together they are {share(sum(weights.values()))}",
            next_step="make them 100 %",
        )
    return weights


def _split(fields: Fields) -> Order:
    version = said(fields, "version", "a name for the new split")
    return Order("/v1/ab", {"version": version, "weights": weights_in(fields), "why": why_in(fields)})


def _policy_fields(known: Known, now: datetime) -> list[Component]:
    others = [each for each in known.policies["versions"] if each != known.policies["in_force"]][::-1]
    policy = dmc.Select(
        id=field_id("policy", "version"),
        label="Policy",
        description=None
        if others
        else "There is no other: fraudml policy fit or POST /v1/policies makes one.",
        data=list(dict.fromkeys(others)),
        required=True,
    )
    return [policy, why_field("policy")]


def _activation(fields: Fields) -> Order:
    version = said(fields, "version", "a policy")
    return Order(f"/v1/policies/{quote(version, safe='')}/activate", {"why": why_in(fields)})


def _in_force(told: Document) -> str:
    return f"{told['in_force']} is in force in place of {told['before']}."


PROMOTE = Form("promote", "Promote a version", "Promote", True, _promotion_fields, _promotion, _promoted)
ROLLBACK = Form("rollback", "Roll back", "Roll back", True, _rollback_fields, _rollback, _promoted)
SHARES = Form("shares", "Change shares", "Change shares", False, _share_fields, _split, _in_force)
ACTIVATE = Form("policy", "Activate a policy", "Activate", False, _policy_fields, _activation, _in_force)
FORMS = (PROMOTE, ROLLBACK, SHARES, ACTIVATE)
