"""What an action would do, said before it is done."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.model_cards.forms import Fields, Known, alias_in, said, version_in, weights_in
from dashboard.model_cards.framing import Document
from dashboard.wording import share
from models.errors import BadSetting

SOON = "Workers verify it and take it between two sweeps, within seconds."


def of_promotion(fields: Fields, known: Known) -> str:
    """
    Raises:
        BadSetting: no version is chosen.
    """
    name, version = version_in(fields)
    alias, deciding = _place(name, alias_in(fields), known)
    standing = _standing(known.models, name, alias)
    if standing == version:
        return f"v{version} stands behind {alias} already: nothing will change."
    before = f"in place of v{standing}, which becomes previous" if standing else "where nothing stood before"
    return f"v{version} of {name} will be {alias}, {before}. {deciding}"


def of_rollback(fields: Fields, known: Known) -> str:
    """
    Raises:
        BadSetting: no model is chosen.
    """
    name = said(fields, "model", "a model")
    alias, deciding = _place(name, alias_in(fields), known)
    standing = _standing(known.models, name, alias)
    before = _stood_before(known.models, name, alias, standing)
    if before is None:
        return f"No promotion on record replaced a version behind {alias}: this will be refused."
    return (
        f"v{before} of {name} will be {alias} again, in place of v{standing}. {deciding} Once more undoes it."
    )


def of_shares(fields: Fields, known: Known) -> str:
    """
    Raises:
        BadSetting: the shares cannot be.
    """
    weights = weights_in(fields)
    before = {each["name"]: each["weight"] for each in known.split["ab"]["variants"]}
    changed = [
        f"{name} {share(before[name])} → {share(weights[name])}"
        for name in before
        if name in weights and abs(weights[name] - before[name]) > 1e-9
    ]
    if not changed:
        return (
            "These are the shares in force: only the name of the split will change, and metrics begin anew."
        )
    moved = sum(max(0.0, weights.get(name, weight) - weight) for name, weight in before.items())
    return (
        f"{', '.join(changed)}. At least {share(moved)} of the customers will be decided by another variant, "
        f"the others stay where they are. Metrics are of one split: they begin anew, and labels need a week."
    )


def of_policy(version: str, policy: Document, known: Known) -> str:
    """policy: the one that is chosen."""
    was, will = _cuts(known.policies["policy"]["bands"]), _cuts(policy["bands"])
    return (
        f"{version} will be in force in place of {known.policies['in_force']}, for every variant: "
        f"review from {was['review_at']} → {will['review_at']}, "
        f"decline from {was['decline_at']} → {will['decline_at']}. "
        f"Workers take it within seconds; what is decided stays decided."
    )


def _cuts(bands: Sequence[Document]) -> Mapping[str, str]:
    """Over all amounts."""
    found = {}
    for name in ("review_at", "decline_at"):
        low, high = min(each[name] for each in bands), max(each[name] for each in bands)
        found[name] = f"{low:g}" if low == high else f"{low:g} to {high:g} by amount"
    return found


def _place(name: str, alias: str | None, known: Known) -> tuple[str, str]:
    """Behind which alias, and for whom that decides.

    Raises:
        BadSetting: the split uses the model by several aliases, and none is chosen.
    """
    variants = [each for each in known.split["ab"]["variants"] if each["model_name"] == name]
    used = sorted({each["alias"] for each in variants})
    if alias is None and len(used) != 1:
        raise BadSetting(f"the split uses {name} by {len(used)} aliases", next_step="choose the alias")
    chosen = alias or used[0]
    deciding = [each for each in variants if each["alias"] == chosen]
    if not deciding:
        return chosen, f"No variant of the split uses it as {chosen}: it will decide nothing."
    names = " and ".join(each["name"] for each in deciding)
    part = share(sum(each["weight"] for each in deciding))
    return chosen, f"It will decide for {names}, {part} of the customers. {SOON}"


def _standing(models: Sequence[Document], name: str, alias: str) -> str | None:
    for each in _of(models, name).get("versions", []):
        if alias in each["aliases"]:
            return str(each["version"])
    return None


def _stood_before(models: Sequence[Document], name: str, alias: str, standing: str | None) -> str | None:
    for made in reversed(_of(models, name).get("promotions", [])):
        if made["alias"] == alias and made["after"] == standing and made["before"] not in (None, standing):
            return str(made["before"])
    return None


def _of(models: Sequence[Document], name: str) -> Mapping[str, Any]:
    return next((each for each in models if each["name"] == name), {})
