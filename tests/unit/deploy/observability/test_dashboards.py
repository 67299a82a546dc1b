"""Grafana's dashboards: what the code makes, well formed, and readable."""

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.__main__ import BOARDS
from deploy.grafana.boards import as_json
from deploy.grafana.panels import BAD, GOOD, PLAIN, SECOND, THIRD, WARNING, WIDTH
from tests.unit.deploy.observability.rules import DASHBOARD_FILES, GRAFANA, panels, read

COLOURS = {GOOD, WARNING, BAD, PLAIN, SECOND, THIRD}
each_dashboard = pytest.mark.parametrize("file", DASHBOARD_FILES, ids=lambda file: file.stem)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    apart = (
        one["x"] + one["w"] <= other["x"]
        or other["x"] + other["w"] <= one["x"]
        or one["y"] + one["h"] <= other["y"]
        or other["y"] + other["h"] <= one["y"]
    )
    return not apart


def test_the_files_are_what_the_code_makes() -> None:
    assert {file.stem: file.read_text() for file in DASHBOARD_FILES} == {
        name: as_json(board) for name, board in BOARDS.items()
    }


@each_dashboard
def test_a_dashboard_has_an_address_a_name_and_a_pace_of_its_own(file: Path) -> None:
    board = json.loads(file.read_text())
    assert board["uid"] == f"fraudml-{file.stem}"
    assert board["title"].startswith("Fraud scoring: ")
    assert board["refresh"] == "15s"
    assert board["editable"] is False
    assert board["tags"] == ["fraudml"]


@each_dashboard
def test_panels_have_ids_of_their_own_and_do_not_lie_over_each_other(file: Path) -> None:
    found = json.loads(file.read_text())["panels"]
    assert len({panel["id"] for panel in found}) == len(found)
    places = [panel["gridPos"] for panel in found]
    assert all(place["x"] + place["w"] <= WIDTH and place["h"] > 0 for place in places)
    assert not [pair for pair in combinations(places, 2) if overlap(*pair)]


@each_dashboard
def test_a_panel_says_what_it_shows_in_which_unit_and_from_where(file: Path) -> None:
    for panel in panels(file):
        assert panel["type"] in ("stat", "timeseries"), panel["title"]
        assert len(panel["description"]) > 10, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters)
        assert all(target["datasource"]["uid"] == "prometheus" for target in panel["targets"])


@each_dashboard
def test_rates_go_by_the_interval_that_grafana_gives_or_by_a_window_that_the_panel_names(file: Path) -> None:
    for panel in panels(file):
        for target in panel["targets"]:
            if "rate(" in target["expr"] and "$__rate_interval" not in target["expr"]:
                assert "1 h" in panel["title"], panel["title"]


@each_dashboard
def test_colours_are_those_that_have_a_meaning(file: Path) -> None:
    assert set(colours(json.loads(file.read_text())["panels"])) <= COLOURS


def colours(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [value for name, value in part.items() if name in ("fixedColor", "color") and _is_text(value)]
        return own + [colour for value in part.values() for colour in colours(value)]
    return [colour for each in part for colour in colours(each)] if isinstance(part, list) else []


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def test_variables_are_chosen_from_what_is_there() -> None:
    for file in DASHBOARD_FILES:
        board = json.loads(file.read_text())
        names = {each["name"] for each in board.get("templating", {}).get("list", [])}
        text = json.dumps([target["expr"] for panel in panels(file) for target in panel["targets"]])
        used = {name for name in ("instance", "variant") if f"${name}" in text}
        assert used == names


def test_grafana_finds_the_data_source_that_the_panels_name() -> None:
    (source,) = read(GRAFANA / "provisioning" / "datasources" / "prometheus.yaml")["datasources"]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")


def test_grafana_finds_the_dashboards_in_one_folder() -> None:
    (provider,) = read(GRAFANA / "provisioning" / "dashboards" / "fraudml.yaml")["providers"]
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"
    assert provider["allowUiUpdates"] is False
