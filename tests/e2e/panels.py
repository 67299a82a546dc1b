"""What each panel shows during a run of a running demo: `python -m tests.e2e.panels`."""

import tempfile
import time
from pathlib import Path

import httpx

from dashboard.door import CALLBACK
from deploy.cli.terminal import print_table
from streams.settings import home_folder
from tests.e2e.command_line import CommandLine
from tests.e2e.scraping import Shown, is_here, running_prometheus, targets_of, wait_for_all

DEMO_WITHIN_S, FIRST_LOOK_S = 900.0, 90.0


def panels_during_a_demo(fraudml: CommandLine, folder: Path) -> list[Shown]:
    """Scrape the stack, run the demo on it once more, and ask every panel's query."""
    with running_prometheus(targets_of(fraudml.stack), folder) as address:
        began_s = time.time()
        fraudml.ok("demo", within_s=DEMO_WITHIN_S)
        look(fraudml)
        return wait_for_all(address, began_s, FIRST_LOOK_S)


def look(fraudml: CommandLine) -> None:
    """Somebody acts on a page of the monitor, and is answered."""
    (address,) = [part.address for part in fraudml.stack.status() if part.part == "monitor"]
    form = {
        "name": "admin",
        "password": (fraudml.home / "secrets" / "admin-password").read_text(),
        "next": "/",
    }
    headers = {"Origin": address}
    with httpx.Client(base_url=address, headers=headers, timeout=30.0, trust_env=False) as browser:
        signed_in = browser.post("/sign-in", data=form)
        cookie = {"Cookie": signed_in.headers["set-cookie"].partition(";")[0]}
        known = browser.get("/_dash-dependencies", headers=cookie).json()
        opened = next(
            each
            for each in known
            if [given["id"] for given in each["inputs"]] == ["view"] and not each["clientside_function"]
        )
        view = {"path": "/", "search": "", "zone": "UTC", "dark": False}
        payload = {
            "output": opened["output"],
            "outputs": [
                dict(zip(("id", "property"), each.split("."), strict=True))
                for each in opened["output"].strip(".").split("...")
            ],
            "inputs": [{"id": "view", "property": "data", "value": view}],
            "changedPropIds": ["view.data"],
            "state": [given | {"value": None} for given in opened["state"]],
        }
        browser.post(CALLBACK, json=payload, headers=cookie).raise_for_status()


def main() -> None:
    if not is_here():
        raise SystemExit("Prometheus is not here. Next: apt-get install prometheus")
    fraudml = CommandLine(home_folder())
    if not targets_of(fraudml.stack):
        raise SystemExit("nothing runs here that has metrics. Next: make demo")
    with tempfile.TemporaryDirectory(prefix="fraudml-prometheus-") as folder:
        shown = panels_during_a_demo(fraudml, Path(folder))
    print_table(("PANEL", "NUMBERS"), [(each.panel, str(each.values)) for each in shown], {})
    empty = [each for each in shown if not each.values]
    raise SystemExit(f"{len(empty)} of {len(shown)} queries show nothing" if empty else 0)


if __name__ == "__main__":
    main()
