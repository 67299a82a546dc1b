"""People before the stack's own monitor."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, expect

from tests.e2e.browsers import Sitting, sitting
from tests.e2e.command_line import CommandLine

SENTENCE = "a sentence that only they know"
PEOPLE = {"mona": "analyst", "moritz": "analyst", "viola": "viewer", "adam": "admin"}


def monitor_of(fraudml: CommandLine) -> str:
    """Its address; PEOPLE can sign in there."""
    known = {each["name"] for each in fraudml.json("users", "list", "--json")}
    for name in PEOPLE.keys() - known:
        fraudml.ok("users", "create", name, "--role", PEOPLE[name], stdin=SENTENCE + "\n")
    (part,) = [part for part in fraudml.json("status", "--json") if part["part"] == "monitor"]
    return str(part["address"])


@contextmanager
def seated(
    browser: Browser, address: str, name: str = "mona", path: str = "/", **how: object
) -> Iterator[Sitting]:
    """Somebody who has signed in, and sees news."""
    with sitting(browser, address, **how) as here:  # type: ignore[arg-type]
        here.open(path)
        here.sign_in(name, SENTENCE)
        expect(here.page.locator("#news")).to_have_attribute("data-state", re.compile("live|fixed"))
        yield here
