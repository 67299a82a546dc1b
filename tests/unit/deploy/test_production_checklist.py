"""What docs/production-checklist.md tells people to look at is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from typer.main import get_command

from deploy.cli.main import app
from streams.settings import CHECKOUT, Settings, variable_of
from tests.unit.deploy.observability.exposed import exposed
from tests.unit.deploy.observability.rules import alerts

PAGE = CHECKOUT / "docs" / "production-checklist.md"
SETTINGS = {variable_of(field) for field in Settings.model_fields}
TARGETS = set(re.findall(r"^([a-z][a-z0-9-]*):", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))


class Line(NamedTuple):
    what: str
    shows: str
    described: str


def lines() -> Iterator[Line]:
    for row in re.findall(r"(?m)^\|(.*)\|$", PAGE.read_text()):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)]
        if cells[0] != "what must be so" and not set(row) <= set("-|"):
            yield Line(*cells)


def quoted() -> list[str]:
    return [word for line in lines() for word in re.findall(r"`([^`]+)`", " ".join(line))]


def slug(heading: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_there_are_lines_to_check() -> None:
    assert len(list(lines())) > 30


@pytest.mark.parametrize("line", list(lines()), ids=lambda line: line.what[:40])
def test_every_line_says_what_shows_it_and_where_it_is_described(line: Line) -> None:
    assert line.shows
    assert re.fullmatch(r"\[[\w -]+\]\([^)]+\)", line.described)


@pytest.mark.parametrize("words", sorted({each for each in quoted() if each.startswith("fraudml ")}))
def test_its_commands_and_their_options_are_there(words: str) -> None:
    command, rest = get_command(app), words.split()[1:]
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]  # type: ignore[attr-defined]
    assert not hasattr(command, "commands"), f"{words} names no command"
    known = {option for each in command.params for option in each.opts} | {"--help"}
    assert {word for word in rest if word.startswith("--")} <= known


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z]+_[A-Z_]+)`", PAGE.read_text()))))
def test_its_settings_are_settings(name: str) -> None:
    assert name in SETTINGS | {"SASL_SSL"}


@pytest.mark.parametrize("name", [each for each in quoted() if each.startswith("make ")])
def test_its_targets_are_of_the_makefile(name: str) -> None:
    assert name.removeprefix("make ") in TARGETS


def test_its_metrics_are_exposed_and_its_alerts_are_rules() -> None:
    assert {each for each in quoted() if re.fullmatch(r"fraud_\w+", each)} <= set(exposed())
    camel = {each for each in quoted() if re.fullmatch(r"(?:[A-Z][a-z]+){2,}", each)}
    assert camel == {"InstanceDown", "VolumeFillsUp"}
    assert camel <= {alert["alert"] for alert in alerts()}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE.read_text()))))
def test_its_links_lead_to_a_page_and_to_a_heading_of_it(link: str) -> None:
    page, _, anchor = link.partition("#")
    text = Path(PAGE.parent / page).read_text()
    assert not anchor or anchor in {slug(each) for each in re.findall(r"(?m)^#+ (.+)$", text)}


@pytest.mark.parametrize("page", ["README.md", "docs/guide.md"])
def test_it_is_found(page: str) -> None:
    assert "production-checklist.md" in (CHECKOUT / page).read_text()
