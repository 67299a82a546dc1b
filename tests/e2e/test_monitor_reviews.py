"""Analysts before the monitor: a case is taken, decided, undone, and its verdict comes back as a label."""

import re
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from playwright.sync_api import Browser, expect

from deploy.stack.waiting import until
from streams.kafka import reader_config
from streams.log_reader import LogReader
from streams.settings import Settings
from tests.e2e.browsers import Sitting
from tests.e2e.command_line import CommandLine
from tests.e2e.sittings import seated

pytestmark = [pytest.mark.stack, pytest.mark.slow]

SOON_S = 40.0
# What no customer of the demo ever pays.
COSTLY_MINOR = 9_000_000


@pytest.fixture
def case(caller: httpx.Client) -> str:
    """The id of an open case that nobody has touched, the most costly of all."""
    asked = {
        "transaction_id": f"case-{uuid.uuid4().hex[:12]}",
        "customer_id": "demo-c863",
        "terminal_id": "demo-t1",
        "amount_minor": COSTLY_MINOR,
        "currency": "EUR",
        "event_time": datetime.now(UTC).isoformat(),
    }
    # Asked again it is the same case.
    until(lambda: caller.post("/v1/score", json=asked).status_code == 200, within_s=SOON_S, every_s=0.5)
    return str(asked["transaction_id"])


def labels_of(settings: Settings, transaction_id: str) -> list[bytes]:
    """What the topic of labels holds of it."""
    with closing(LogReader(reader_config(settings, "seen"), settings.kafka_timeout_s)) as log:
        ends = log.ends(settings.labels_topic)
        last = {number: end for number, (_, end) in ends.items()}
        first = {number: start for number, (start, _) in ends.items()}
        return [
            message.value()
            for batch in log.read(settings.labels_topic, last, first)
            for message in batch
            if transaction_id.encode() in (message.value() or b"")
        ]


def press(here: Sitting, *keys: str) -> None:
    for key in keys:
        here.page.keyboard.press(key)


def opened(here: Sitting, button: str) -> None:
    expect(here.page.locator(f"#reviews-{button}")).to_be_enabled()


def decide(here: Sitting, verdict: str, note: str = "") -> None:
    """By mouse: the first reason that fits."""
    here.page.locator(f"#reviews-{verdict}").click()
    here.page.locator(f"#reviews-{verdict}-code").click()
    here.page.get_by_role("option").first.click()
    if note:
        here.page.locator(f"#reviews-{verdict}-note").fill(note)
    here.page.locator(f"#reviews-{verdict}-confirm").click()


def test_a_case_is_opened_taken_and_decided_and_its_label_arrives(
    browser: Browser, monitor: str, fraudml: CommandLine, caller: httpx.Client, case: str
) -> None:
    with seated(browser, monitor, path="/reviews") as here:
        here.page.get_by_role("link", name=case).click()
        expect(here.page.get_by_role("heading", level=1)).to_have_text(f"Case {case}")
        expect(here.page.locator("#reviews-variants")).to_contain_text("challenger")
        here.page.locator("#reviews-take").click()
        opened(here, "fraud")
        decide(here, "fraud", "Denied on the phone.")
        expect(here.page.locator("#reviews-undo")).to_contain_text("s left")
        here.page.locator("#reviews-back").click()
        expect(here.page.locator("#reviews-grid")).to_contain_text("open")
        expect(here.page.get_by_role("link", name=case)).to_have_count(0)
        assert here.errors == []
    settings = fraudml.stack.settings
    until(lambda: bool(labels_of(settings, case)), within_s=SOON_S, every_s=1.0)
    (label,) = labels_of(settings, case)
    assert b'"fraud"' in label
    # A worker has taken it in.
    until(lambda: bool(caller.get(f"/v1/reviews/{case}").json()["labels"]), within_s=SOON_S, every_s=1.0)


def test_two_analysts_never_work_on_one_case(browser: Browser, monitor: str, case: str) -> None:
    path = f"/reviews/{case}"
    with _both(browser, monitor, path) as (mona, moritz):
        mona.page.locator("#reviews-take").click()
        opened(mona, "fraud")
        expect(moritz.page.locator("#page")).to_contain_text("mona")
        expect(moritz.page.locator("#reviews-take")).to_be_disabled()
        expect(moritz.page.locator("#reviews-fraud")).to_be_disabled()
        mona.page.locator("#reviews-release").click()
        opened(moritz, "take")
        moritz.page.locator("#reviews-take").click()
        expect(mona.page.locator("#page")).to_contain_text("moritz")
        expect(mona.page.locator("#reviews-take")).to_be_disabled()


@contextmanager
def _both(browser: Browser, monitor: str, path: str) -> Iterator[tuple[Sitting, Sitting]]:
    with (
        seated(browser, monitor, "mona", path) as mona,
        seated(browser, monitor, "moritz", path) as moritz,
    ):
        yield mona, moritz


def test_a_verdict_is_undone_and_no_label_goes_out(
    browser: Browser, monitor: str, fraudml: CommandLine, case: str
) -> None:
    with seated(browser, monitor, path=f"/reviews/{case}") as here:
        opened(here, "take")
        here.page.locator("#reviews-take").click()
        opened(here, "genuine")
        decide(here, "genuine")
        opened(here, "undo")
        here.page.locator("#reviews-undo").click()
        expect(here.page.locator("#reviews-state")).to_contain_text(re.compile("taken", re.IGNORECASE))
        opened(here, "fraud")
    assert labels_of(fraudml.stack.settings, case) == []


def test_everything_goes_by_keyboard_alone(browser: Browser, monitor: str, case: str) -> None:
    # Cases that others still hold may be the first ones otherwise.
    with seated(browser, monitor, path="/reviews?held_by=nobody") as here:
        expect(here.page.get_by_role("link", name=case)).to_be_visible()
        press(here, "?")
        expect(here.page.get_by_role("dialog")).to_contain_text("next case")
        press(here, "Escape")
        expect(here.page.get_by_role("dialog")).to_have_count(0)
        press(here, "j")
        press(here, "Enter")
        expect(here.page.get_by_role("heading", level=1)).to_have_text(re.compile("^Case "))
        opened(here, "take")
        press(here, "t")
        opened(here, "snooze")
        press(here, "s")
        expect(here.page.locator("#reviews-snooze-code")).to_be_focused()
        press(here, "ArrowDown", "Enter", "Tab", "Tab")
        expect(here.page.locator("#reviews-snooze-confirm")).to_be_focused()
        press(here, "Enter")
        opened(here, "undo")
        expect(here.page.get_by_role("dialog")).to_have_count(0)
        press(here, "u")
        opened(here, "release")
        press(here, "r")
        opened(here, "take")
        press(here, "Escape")
        expect(here.page.get_by_role("heading", level=1)).to_have_text("Reviews")
        assert here.errors == []


def test_a_viewer_sees_a_case_and_acts_on_none(browser: Browser, monitor: str, case: str) -> None:
    with seated(browser, monitor, "viola", f"/reviews/{case}") as here:
        expect(here.page.locator("#reviews-reasons")).to_be_visible()
        expect(here.page.locator("#reviews-take")).to_have_count(0)


def test_who_only_looks_is_refused_whatever_his_browser_sends(
    browser: Browser, monitor: str, case: str
) -> None:
    """As a page of an analyst sends it, by a viewer."""
    with seated(browser, monitor, "mona", f"/reviews/{case}") as here:
        opened(here, "take")
        with here.page.expect_request("**/_dash-update-component*") as sent:
            here.page.locator("#reviews-take").click()
        payload = sent.value.post_data
        opened(here, "release")
        here.page.locator("#reviews-release").click()
        opened(here, "take")
    with seated(browser, monitor, "viola", "/") as here:
        headers = {"Content-Type": "application/json", "Origin": monitor}
        answer = here.page.request.post(f"{monitor}/_dash-update-component", data=payload, headers=headers)
        assert answer.status == 403
        assert "your role may not do this" in answer.text().lower()
        here.open(f"/reviews/{case}")
        expect(here.page.locator("#reviews-state")).to_contain_text(re.compile("open", re.IGNORECASE))


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_case_has_nothing_that_axe_finds_wrong(
    browser: Browser, monitor: str, case: str, dark: bool
) -> None:
    with seated(browser, monitor, path=f"/reviews/{case}", dark=dark) as here:
        expect(here.page.locator("#reviews-normals")).to_contain_text("Customer")
        assert here.violations() == []
        assert here.errors == []
        here.page.set_viewport_size({"width": 400, "height": 900})
        until(lambda: here.overflow_px() == 0, within_s=SOON_S, every_s=0.2)
