"""A real Chromium before a running monitor."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SOON_MS = 20_000
# What a browser says of a server that a test has ended.
OF_ENDED_SERVERS = (
    "net::ERR_",
    "WebSocket",
    "status of 503",
    "Failed to fetch",
    "status of 502",
    "the server did not respond",
)


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Playwright's own where it is installed, else the system's; without one the tests are skipped, but by CI
    they fail.
    """
    expect.set_options(timeout=SOON_MS)
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
        found = own if os.path.exists(own) else next(filter(None, map(shutil.which, NAMES)), None)
        if found is None:
            words = f"no Chromium: install one of {', '.join(NAMES)}, or run `playwright install chromium`"
            if os.environ.get("CI"):
                pytest.fail(words)
            pytest.skip(words)
        # Without a sandbox of its own it runs as root, too, as in containers.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Sitting:
    """Somebody before the monitor. errors: what the browser's console has complained of."""

    page: Page
    address: str
    errors: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.address + path)

    def sign_in(self, name: str, password: str) -> None:
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def text_of(self, component: str) -> str:
        return self.page.locator(f"#{component}").inner_text()

    def number_in(self, component: str) -> int:
        """The digits of a figure."""
        return int("".join(filter(str.isdigit, self.text_of(component))) or 0)

    def violations(self) -> list[str]:
        """What axe finds wrong with the page, and where."""
        found = Axe().run(self.page).response["violations"]
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    def overflow_px(self) -> int:
        """How much wider the page is than its window."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(width))


@contextmanager
def sitting(browser: Browser, address: str, *, dark: bool = False, width_px: int = 1280) -> Iterator[Sitting]:
    """In a browser of one's own: no cookies, no stored views."""
    context = browser.new_context(
        viewport={"width": width_px, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(SOON_MS)
    found = Sitting(page, address)

    def note(text: str) -> None:
        found.errors.append(text)

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    try:
        yield found
    finally:
        context.close()
