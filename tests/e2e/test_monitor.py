"""The monitor in a real browser: who may in, numbers that move, and what is seen when something fails."""

import re
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, expect

from deploy.stack.waiting import until
from load.bench.monitor_watcher import Watcher
from load.chaos.proxy import PASS, Behaviour, FaultProxy
from tests.e2e.browsers import OF_ENDED_SERVERS, sitting
from tests.e2e.command_line import CommandLine
from tests.e2e.sittings import SENTENCE, seated

pytestmark = [pytest.mark.stack, pytest.mark.slow]

MORE_THAN = "least => +document.querySelector('#tile-rate-note').innerText.replace(/\\D/g, '') > least"
LOADED = "() => !document.querySelector('[data-dash-is-loading]')"
PAGES = ("/", "/reviews", "/models", "/operations")


@contextmanager
def traffic(caller: httpx.Client) -> Iterator[None]:
    """Transactions that come all the time, by the gateway to the stream."""
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(0.1):
            caller.post("/v1/transactions:batch", json=[_payment() for _ in range(20)])

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _payment() -> dict[str, object]:
    return {
        "transaction_id": f"seen-{uuid.uuid4().hex}",
        "customer_id": "demo-c1",
        "terminal_id": "demo-t1",
        "amount_minor": 1999,
        "currency": "EUR",
        "event_time": datetime.now(UTC).isoformat(),
    }


def test_without_a_session_one_signs_in_and_is_where_one_wanted_to_be(browser: Browser, monitor: str) -> None:
    with sitting(browser, monitor) as here:
        here.open("/?range=6h&tz=local")
        assert here.violations() == []
        here.sign_in("mona", "not her sentence")
        expect(here.page.get_by_role("alert")).to_contain_text("Name or password is wrong")
        here.sign_in("mona", SENTENCE)
        expect(here.page).to_have_url(f"{monitor}/?range=6h&tz=local")
        expect(here.page.get_by_role("heading", level=1)).to_have_text("Live")
        expect(here.page.locator("#who")).to_have_text("mona · analyst")


def test_the_first_admin_signs_in_with_the_password_in_the_file(
    browser: Browser, monitor: str, fraudml: CommandLine
) -> None:
    password = (fraudml.home / "secrets" / "admin-password").read_text()
    with sitting(browser, monitor) as here:
        here.open("/")
        here.sign_in("admin", password)
        expect(here.page.locator("#who")).to_have_text("admin · admin")


def test_who_watches_without_a_browser_hears_what_a_page_hears(monitor: str) -> None:
    watcher = Watcher(monitor, "mona", SENTENCE, "/", "?range=15m")
    watcher.start()
    try:
        until(lambda: len(watcher.behind_s) > 1, within_s=20.0, every_s=0.2)
    finally:
        watcher.stop()


def test_numbers_move_while_transactions_come(browser: Browser, monitor: str, caller: httpx.Client) -> None:
    with seated(browser, monitor, path="/?range=15m") as here, traffic(caller):
        expect(here.page.locator("#tile-rate")).not_to_have_text("–")
        before = here.number_in("tile-rate-note")
        here.page.wait_for_function(MORE_THAN, arg=before + 200)
        assert here.number_in("tile-rate") > 0
        assert here.errors == []


def test_what_is_chosen_stands_in_the_address_and_a_link_shows_the_same(
    browser: Browser, monitor: str
) -> None:
    with seated(browser, monitor) as here:
        here.page.get_by_role("button", name="UTC").click()
        expect(here.page).to_have_url(f"{monitor}/?tz=local")
        here.page.get_by_role("button", name="Pause").click()
        expect(here.page).to_have_url(re.compile(r"at=20\d\d-"))
        expect(here.page.locator("#news")).to_contain_text("Paused")
        here.page.reload()
        expect(here.page.get_by_role("button", name="Resume")).to_be_visible()
        here.page.get_by_role("button", name="Resume").click()
        expect(here.page.locator("#news")).to_contain_text("Live")
        assert here.errors == []


def test_an_address_that_cannot_be_is_told_what_can(browser: Browser, monitor: str) -> None:
    with seated(browser, monitor) as here:
        here.open("/?from=yesterday")
        expect(here.page.locator("#page")).to_contain_text("The address says from=yesterday, which cannot be")
        here.open("/nowhere")
        expect(here.page.locator("#page")).to_contain_text("There is no page /nowhere")
        assert here.errors == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_and_the_console_have_nothing_to_say(
    browser: Browser, monitor: str, path: str, dark: bool
) -> None:
    with seated(browser, monitor, "adam", path, dark=dark) as here:
        expect(here.page.get_by_role("heading", level=1)).to_have_count(1)
        here.page.wait_for_function(LOADED)
        assert here.violations() == []
        assert here.errors == []


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_window_is_not_scrolled_sideways(browser: Browser, monitor: str, path: str) -> None:
    with seated(browser, monitor, "adam", path, width_px=400) as here:
        expect(here.page.get_by_role("heading", level=1)).to_be_visible()
        assert here.overflow_px() == 0
        here.page.get_by_label("Menu").click()
        expect(here.page.get_by_role("link", name="Live")).to_be_visible()


def test_the_theme_changes_and_is_remembered(browser: Browser, monitor: str) -> None:
    with seated(browser, monitor) as here:
        html = here.page.locator("html")
        expect(html).to_have_attribute("data-mantine-color-scheme", "light")
        here.page.get_by_role("button", name="Dark").click()
        expect(html).to_have_attribute("data-mantine-color-scheme", "dark")
        here.page.reload()
        expect(html).to_have_attribute("data-mantine-color-scheme", "dark")


def test_a_socket_that_is_cut_comes_back_and_news_come_meanwhile(browser: Browser, monitor: str) -> None:
    there = urlsplit(monitor)
    assert there.hostname is not None
    assert there.port is not None
    proxy = FaultProxy(there.hostname, there.port)
    port = proxy.start()
    try:
        with seated(browser, f"http://127.0.0.1:{port}") as here:
            proxy.behave(Behaviour(refuse=True, cut_after_bytes=1))
            expect(here.page.locator("#news")).to_have_attribute("data-state", "stale")
            expect(here.page.locator("#tile-alerts")).to_be_visible()
            proxy.behave(PASS)
            expect(here.page.locator("#news")).to_have_attribute("data-state", "live")
            assert _ours(here.errors) == []
    finally:
        proxy.stop()


def test_a_gateway_that_is_killed_greys_the_page_until_it_is_back(
    browser: Browser, monitor: str, fraudml: CommandLine
) -> None:
    with seated(browser, monitor) as here:
        shown = here.text_of("tile-alerts")
        with fraudml.stack.halted("gateway"):
            expect(here.page.locator("#banner")).to_contain_text("The gateway does not answer")
            expect(here.page.locator("#page")).to_have_class(re.compile("stale"))
            assert here.text_of("tile-alerts") == shown
        expect(here.page.locator("#banner")).to_be_empty()
        expect(here.page.locator("#page")).not_to_have_class(re.compile("stale"))
        assert _ours(here.errors) == []


def test_who_is_shut_out_is_back_at_the_sign_in_with_the_same_view_after_it(
    browser: Browser, monitor: str, fraudml: CommandLine
) -> None:
    fraudml.ok("users", "create", "lena", "--role", "viewer", stdin=SENTENCE + "\n")
    with seated(browser, monitor, "lena", "/?range=6h") as here:
        fraudml.ok("users", "disable", "lena")
        expect(here.page.get_by_label("Password")).to_be_visible()
        fraudml.ok("users", "reset", "lena", stdin=SENTENCE + "\n")
        here.sign_in("lena", SENTENCE)
        expect(here.page).to_have_url(f"{monitor}/?range=6h")


def _ours(errors: list[str]) -> list[str]:
    return [each for each in errors if not any(word in each for word in OF_ENDED_SERVERS)]
