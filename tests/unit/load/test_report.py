"""The page of benchmarks: made from documents alone, and the same for the same ones."""

import json
import os
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from load.report.charts import THEMES, charts
from load.report.goals import GOALS, outcomes
from load.report.kept import Kept, keep, kept_in
from load.report.page import page
from models.errors import BadFile
from streams.settings import CHECKOUT

HERE = Path(__file__).parent / "report"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def kept() -> dict[str, Kept]:
    return kept_in(HERE)


def founds(kept: dict[str, Kept]) -> dict[str, Any]:
    return {name: each.found for name, each in kept.items()}


def test_the_page_is_the_golden_one(kept: dict[str, Kept]) -> None:
    """FRAUDML_RENEW=1 writes it anew: look at the difference before you keep it."""
    golden = HERE / "benchmarks.md"
    if os.environ.get("FRAUDML_RENEW"):
        golden.write_text(page(kept))
    assert page(kept) == golden.read_text()


def test_the_page_in_the_docs_is_made_of_the_documents_beside_it() -> None:
    """`fraudml bench all --no-run` makes it anew."""
    docs = CHECKOUT / "docs"
    text = (docs / "benchmarks.md").read_text()
    assert page(kept_in(docs / "benchmarks")) == text
    told = {path.name: _title(path) for path in (docs / "pictures").glob("bench-*.svg")}
    drawn = charts(founds(kept_in(docs / "benchmarks")))
    assert told == {chart.file(theme): chart.alt for chart in drawn for theme in THEMES} != {}


def _title(picture: Path) -> str | None:
    return ElementTree.parse(picture).getroot().findtext(f"{SVG}title")


def test_pictures_of_the_page_are_those_that_are_drawn(kept: dict[str, Kept]) -> None:
    named = set(re.findall(r"pictures/([\w-]+\.svg)", page(kept)))
    assert named == {chart.file(theme) for chart in charts(founds(kept)) for theme in THEMES}


def test_a_page_of_one_benchmark_names_those_that_are_missing(kept: dict[str, Kept]) -> None:
    text = page({"throughput": kept["throughput"]})
    assert "## Latency\n\nNot measured." in text
    assert "| latency | p50 at 1,000 tx/s | ≤ 5 ms | not measured | not measured |" in text


def test_a_warning_stands_beside_the_figures(kept: dict[str, Kept]) -> None:
    assert kept["latency"].machine["warning"] in page(kept)


def test_goals_are_reached_at_their_limit_and_missed_beyond(kept: dict[str, Kept]) -> None:
    limits = {"tx_per_s": 35_000.0, "worker_cpu_us_per_tx": 20.0, "all_cpu_us_per_tx": 55.1}
    found = outcomes({"throughput": Kept("", limits)})
    assert [each.reached for each in found[:3]] == [True, True, False]
    assert {each.reached for each in found[3:]} == {None}


def test_a_rate_that_is_not_held_misses_its_goal(kept: dict[str, Kept]) -> None:
    row = {"rate": 10_000.0, "runs": 3, "held": 2, "p99_ms": None}
    (found,) = (each for each in outcomes({"latency": Kept("", {"rates": [row]})}) if each.figure is not None)
    assert (found.goal.what, found.told(), found.reached) == ("p99 at 10,000 tx/s", "not held", False)


def test_every_goal_has_a_figure_where_everything_is_measured(kept: dict[str, Kept]) -> None:
    assert [each.goal.what for each in outcomes(kept) if each.figure is None] == []
    assert len(outcomes(kept)) == len(GOALS)


def test_a_picture_says_what_its_axes_are_and_is_the_same_each_time(kept: dict[str, Kept]) -> None:
    by_name = {chart.name: chart for chart in charts(founds(kept))}
    assert by_name.keys() == {"latency", "cpu", "workers", "workers-cpu", "state", "soak"}
    text = by_name["latency"].svg("light")
    assert text == by_name["latency"].svg("light")
    words = {"".join(each.itertext()) for each in ElementTree.fromstring(text).iter(f"{SVG}text")}
    assert {"transactions a second", "ms from due to committed", "p99.9"} <= words


def test_light_and_dark_pictures_differ_in_page_and_ink(kept: dict[str, Kept]) -> None:
    for chart in charts(founds(kept)):
        for theme, (paper, ink, _) in THEMES.items():
            assert {paper, ink} <= set(re.findall("#[0-9a-f]{6}", chart.svg(theme)))


@pytest.mark.parametrize("text", ["{", "[]", '{"command": "x", "found": {}}'])
def test_a_file_that_is_no_document_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "latency.json").write_text(text)
    with pytest.raises(BadFile, match=r"latency\.json is not what a benchmark has found"):
        kept_in(tmp_path)


def test_a_document_is_read_as_it_was_kept(tmp_path: Path, kept: dict[str, Kept]) -> None:
    keep(tmp_path / "new", "latency", kept["latency"])
    assert kept_in(tmp_path / "new") == {"latency": kept["latency"]}
    assert json.loads((tmp_path / "new" / "latency.json").read_text())["command"].startswith("fraudml bench")
