"""Pictures of every page of a running demo's monitor, light and dark: `python -m tests.e2e.screenshots`."""

import argparse
import re
import sys
from pathlib import Path

from playwright.sync_api import Browser, expect

from deploy.stack.monitor import FIRST_ADMIN, PASSWORD_FILE
from deploy.stack.stack import Stack
from models.errors import FraudError, NotFound
from streams.secret_files import FOLDER
from streams.settings import CHECKOUT, home_folder
from tests.e2e.browsers import Sitting, running_chromium, sitting

PICTURES = CHECKOUT / "docs" / "pictures"
# What is shown: of models the weeks whose labels the demo knows.
PAGES = {
    "live": "/?range=15m",
    "reviews": "/reviews",
    "models": "/models?from=2018-04-24&to=2018-05-22",
    "operations": "/operations?tab=partitions",
}
ANSWERED = "() => !document.body.innerText.includes('Asking.')"
DRAWN_MS = 3000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURES, help="the folder of the pictures")
    folder = parser.parse_args().to
    folder.mkdir(parents=True, exist_ok=True)
    try:
        address = _address()
    except FraudError as error:
        raise SystemExit(str(error)) from None
    password = (home_folder() / FOLDER / PASSWORD_FILE).read_text()
    with running_chromium() as browser:
        for dark in (False, True):
            _take(browser, address, password, folder, dark)


def _address() -> str:
    """
    Raises:
        NotFound: no monitor runs.
    """
    for part in Stack(home_folder()).status():
        if part.part == "monitor" and part.runs:
            return part.address
    raise NotFound("no monitor runs", next_step="make demo")


def _take(browser: Browser, address: str, password: str, folder: Path, dark: bool) -> None:
    with sitting(browser, address, dark=dark) as here:
        here.open("/")
        here.sign_in(FIRST_ADMIN, password)
        expect(here.page.locator("#news")).to_have_attribute("data-state", re.compile("live"))
        for name, path in {**PAGES, "case": _first_case(here)}.items():
            here.open(path)
            expect(here.page.get_by_role("heading", level=1)).to_be_visible()
            here.page.wait_for_function(ANSWERED)
            here.page.wait_for_timeout(DRAWN_MS)
            picture = folder / f"{name}-{'dark' if dark else 'light'}.png"
            here.page.screenshot(path=picture, full_page=True)
            sys.stdout.write(f"{picture}\n")


def _first_case(here: Sitting) -> str:
    """The address of the case that may cost most."""
    here.open("/reviews")
    link = here.page.locator("a[href^='/reviews/']").first
    return str(link.get_attribute("href"))


if __name__ == "__main__":
    main()
