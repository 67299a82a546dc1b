"""Somebody's hands on a page: what a browser sends when a button is pressed, without a browser."""

import asyncio
from typing import Any

import httpx

from dashboard.view import View

Told = dict[str, dict[str, Any]]


class Hands:
    """Of somebody who has signed in. monitor: as a browser asks it."""

    def __init__(self, monitor: httpx.AsyncClient, name: str) -> None:
        self._monitor = monitor
        self._name = name

    def press(self, button: str, view: View, clicks: int | None = 1, **fields: Any) -> Told:
        """What the page is told. fields: what stands in others, by id without `reviews-`, dashes as `_`."""
        return asyncio.run(self._press(button, view, clicks, fields))

    async def _press(self, button: str, view: View, clicks: int | None, fields: dict[str, Any]) -> Told:
        form = {"name": self._name, "password": "right", "next": "/"}
        signed_in = await self._monitor.post("/sign-in", data=form)
        headers = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
        known = (await self._monitor.get("/_dash-dependencies", headers=headers)).json()
        callback = next(
            each
            for each in known
            if [given["id"] for given in each["inputs"]] == [button] and not each["clientside_function"]
        )
        payload = {
            "output": callback["output"],
            "outputs": [],
            "inputs": [{"id": button, "property": "n_clicks", "value": clicks}],
            "changedPropIds": [f"{button}.n_clicks"],
            "state": [given | {"value": _value(given["id"], view, fields)} for given in callback["state"]],
        }
        answer = await self._monitor.post("/_dash-update-component", json=payload, headers=headers)
        self.status = answer.status_code
        assert self.status in (200, 204, 403), answer.text
        told: Told = answer.json().get("sideUpdate", {}) if answer.content else {}
        return told


def _value(component: str, view: View, fields: dict[str, Any]) -> Any:
    if component == "view":
        path, _, search = view.with_().partition("?")
        return {"path": path, "search": f"?{search}" if search else "", "zone": view.zone, "dark": False}
    return fields.get(component.removeprefix("reviews-").replace("-", "_"))


def notice(told: Told) -> dict[str, Any]:
    """What somebody reads in a corner of the page."""
    found: dict[str, Any] = told["notices"]["sendNotifications"][0]
    return found
