"""Whatever a browser sends in place of what a page would: it is told or passed over, and never a fault."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from tests.unit.dashboard.conftest import ORIGIN
from tests.unit.dashboard.fake_gateway import FakeGateway
from tests.unit.dashboard.model_answers import tell

JUNK: list[Any] = [None, 5, "x", [], {}, [{}]]
LETTERS = {"path": "/operations", "search": "?tab=letters", "zone": "UTC", "dark": False}
CASE = {"path": "/reviews/t1", "search": "", "zone": "UTC", "dark": False}
ROW = {"id": "t1", "key_id": "k1", "name": "ann", "role": "viewer", "holds": "{}", "key": "transactions 0"}
# What a page itself would send, by property.
USUAL = {"n_clicks": 1, "selectedRows": [ROW], "checked": True, "value": "x", "data": {"again": True}}
FIELDS = ("version", "model", "alias", "why", "share:champion", "share:challenger")
Document = dict[str, Any]


def _sent(given: Document, view: Document) -> Any:
    """Of a place of a callback; of all that are like it, where it stands for several."""
    name, told = given["id"], given["property"]
    if not name.startswith("{"):
        value = view if name == "view" else USUAL.get(told)
        return {"id": name, "property": told, "value": value}
    ids = [dict.fromkeys(json.loads(name), field) for field in FIELDS]
    return [{"id": each, "property": told, "value": each if told == "id" else "x"} for each in ids]


def _spoilt(given: Document, junk: Any) -> list[Any]:
    """In the place, and where it stands for several in each of them."""
    whole = {"id": given["id"], "property": given["property"], "value": junk}
    usual = _sent(given, CASE)
    return [whole, [{**each, "value": junk} for each in usual]] if isinstance(usual, list) else [whole]


def _payloads(callback: Document, junk: Any) -> list[Document]:
    """With junk in each place, then in all of them."""
    inputs, given = callback["inputs"], [*callback["inputs"], *callback["state"]]
    view = CASE if str(inputs[0]["id"]).startswith("reviews-") else LETTERS
    usual = [_sent(each, view) for each in given]
    sent = [
        [*usual[:place], spoilt, *usual[place + 1 :]]
        for place, each in enumerate(given)
        for spoilt in _spoilt(each, junk)
    ]
    sent.append([_spoilt(each, junk)[0] for each in given])
    return [
        {
            "output": callback["output"],
            "outputs": _outputs(callback["output"]),
            "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
            "inputs": values[: len(inputs)],
            "state": values[len(inputs) :],
        }
        for values in sent
    ]


def _outputs(text: str) -> Any:
    """One, a list of several, or none: as the browser says it."""
    if text.startswith(".."):
        return [_place(each) for each in text.strip(".").split("...")]
    return _place(text) if "." in text else []


def _place(text: str) -> Document:
    component, _, name = text.rpartition(".")
    return {"id": component, "property": name}


async def _signed_in(monitor: ASGIApp) -> tuple[httpx.AsyncClient, dict[str, str]]:
    transport = httpx.ASGITransport(monitor, raise_app_exceptions=False)
    browser = httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers={"Origin": ORIGIN})
    signed = await browser.post("/sign-in", data={"name": "ada", "password": "right"})
    return browser, {"Cookie": signed.headers["set-cookie"].partition(";")[0]}


async def _faults(monitor: ASGIApp, junk: Any) -> tuple[int, list[str]]:
    """How many callbacks were sent junk, and what they made a fault of."""
    browser, headers = await _signed_in(monitor)
    known = (await browser.get("/_dash-dependencies", headers=headers)).json()
    callbacks = [each for each in known if each["inputs"] and not each["clientside_function"]]
    faults = []
    for callback in callbacks:
        for payload in _payloads(callback, junk):
            answer = await browser.post("/_dash-update-component", json=payload, headers=headers)
            if answer.status_code not in (200, 204):
                values = json.dumps([payload["inputs"], payload["state"]])
                faults.append(f"{answer.status_code} {callback['output'] or callback['inputs']}: {values}")
    return len(callbacks), faults


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_no_callback_makes_a_fault_of_junk(monitor: ASGIApp, gateway: FakeGateway, junk: Any) -> None:
    tell(gateway)
    asked, faults = asyncio.run(_faults(monitor, junk))
    assert asked > 40
    assert faults == []


def test_what_was_chosen_on_no_view_is_told_to_whoever_chose(monitor: ASGIApp) -> None:
    told = asyncio.run(_chosen_on(monitor, "x"))
    (said,) = told["notices"]["sendNotifications"]
    assert said["title"] == "⚠ This view cannot be read"


async def _chosen_on(monitor: ASGIApp, view: Any) -> Any:
    """What comes of a choice of letters there."""
    browser, headers = await _signed_in(monitor)
    known = (await browser.get("/_dash-dependencies", headers=headers)).json()
    (callback,) = (each for each in known if each["inputs"] and each["inputs"][0]["id"] == "letters-topic")
    payload = {
        "output": callback["output"],
        "outputs": _outputs(callback["output"]),
        "changedPropIds": ["letters-topic.value"],
        "inputs": [{**each, "value": None} for each in callback["inputs"]],
        "state": [{**each, "value": view} for each in callback["state"]],
    }
    answer = await browser.post("/_dash-update-component", json=payload, headers=headers)
    return answer.json()["sideUpdate"]
