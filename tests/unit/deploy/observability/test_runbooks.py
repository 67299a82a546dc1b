"""What runbooks tell people to type, to look at and to read is there."""

import re
from pathlib import Path

import pytest

from deploy.cli.main import GROUPS, PANELS
from streams.settings import CHECKOUT, Settings, variable_of
from tests.unit.deploy.observability.exposed import exposed
from tests.unit.deploy.observability.rules import DASHBOARD_FILES, RUNBOOKS, panels

PAGES = [*sorted(RUNBOOKS.glob("*.md")), CHECKOUT / "docs" / "observability.md"]
COMMANDS = {command.__name__ for commands in PANELS.values() for command in commands}
NOUNS = {name: app for name, _, app in GROUPS}
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def commands_of(noun: str) -> set[str]:
    found = NOUNS[noun].registered_commands
    return {each.name or getattr(each.callback, "__name__", "").strip("_") for each in found}


@each_page
def test_its_commands_are_commands(page: Path) -> None:
    for first, second in re.findall(r"`fraudml ([a-z]+)(?: ([a-z]+))?", page.read_text()):
        assert first in COMMANDS or second in commands_of(first), f"fraudml {first} {second}"


@each_page
def test_its_metrics_are_exposed(page: Path) -> None:
    named = set(re.findall(r"\bfraud_(?!db)[a-z_]+", page.read_text()))
    known = exposed()
    assert {name for name in named if name not in known and f"{name}_count" not in known} == set()


@each_page
def test_its_settings_are_settings(page: Path) -> None:
    known = {variable_of(field) for field in Settings.model_fields}
    assert set(re.findall(r"FRAUDML_[A-Z_]+", page.read_text())) <= known | {"FRAUDML_HOME"}


@each_page
def test_its_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / link).exists(), link


def test_panels_that_runbooks_name_are_there() -> None:
    titles = {panel["title"] for file in DASHBOARD_FILES for panel in panels(file)}
    for page in sorted(RUNBOOKS.glob("*-*.md")):
        look = page.read_text().partition("## Look")[2].partition("## Do")[0]
        for line in look.splitlines():
            if "ashboard" in line and ": " in line:
                named = set(re.findall(r"(?<!\*)\*([A-Z][^*]+)\*", line.partition(": ")[2]))
                assert named <= titles, f"{page.stem}: {named - titles}"
