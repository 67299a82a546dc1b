"""What docs/guide.md says stands here, stands here."""

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from deploy.cli.main import PANELS
from streams.settings import CHECKOUT, Settings, variable_of
from tests.unit.deploy.observability.exposed import exposed

GUIDE = CHECKOUT / "docs" / "guide.md"
COMMANDS = {command.__name__ for commands in PANELS.values() for command in commands}


class Line(NamedTuple):
    guide: str
    here: str
    note: str


def lines() -> Iterator[Line]:
    for row in re.findall(r"(?m)^\|(.*)\|$", GUIDE.read_text()):
        cells = [cell.strip() for cell in row.split("|")]
        if cells[0] != "the guide" and not set(row) <= set("-|"):
            yield Line(*cells)


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def here() -> list[str]:
    return [each for line in lines() for each in quoted(line.here)]


def test_there_are_lines_to_read() -> None:
    assert len(list(lines())) > 30


@pytest.mark.parametrize("path", [each for each in here() if each.startswith("deploy/")])
def test_its_files_are_there(path: str) -> None:
    assert (CHECKOUT / path).exists()


@pytest.mark.parametrize("line", [each for each in here() if each.startswith("from ")])
def test_what_it_imports_can_be_imported(line: str) -> None:
    _, module, _, names = line.split(maxsplit=3)
    for name in names.split(", "):
        assert hasattr(import_module(module), name)


@pytest.mark.parametrize("words", [each for each in here() if each.startswith("fraudml ")])
def test_its_commands_are_commands(words: str) -> None:
    assert words.split()[1] in COMMANDS


@pytest.mark.parametrize("name", [each for each in here() if re.fullmatch(r"[A-Z_]{5,}", each)])
def test_its_settings_are_settings(name: str) -> None:
    assert name in {variable_of(field) for field in Settings.model_fields}


@pytest.mark.parametrize("name", [each for each in here() if re.fullmatch(r"fraud_[a-z_]+", each)])
def test_its_metrics_are_exposed(name: str) -> None:
    assert name in exposed() or f"{name}_count" in exposed()


def test_compose_has_the_services_that_it_names() -> None:
    services = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    named = {words.split()[-1] for words in here() if words.startswith("docker compose logs")}
    assert named <= services.keys()


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", GUIDE.read_text()))
def test_its_links_lead_somewhere(link: str) -> None:
    assert Path(GUIDE.parent / link).exists()
