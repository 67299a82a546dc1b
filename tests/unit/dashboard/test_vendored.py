"""The plotting library kept here is smaller than that of the packages: unchanged, of the same version."""

import hashlib
import re
from importlib.resources import files
from pathlib import Path

import dashboard

KEPT = Path(dashboard.__file__).parent / "assets" / "vendor" / "plotly-basic.min.js"
# Of the package plotly.js-basic-dist-min 4.1.1 as npm has it.
SHA256 = "99784e3abfb07b142a15e521a439e6d9addceadb3f79553fd24c72774f0649ba"
DRAWN_BY_IT = {"Scatter", "Bar", "Pie"}


def _version(script: str) -> str:
    found = re.search(r"plotly\.js[^\n]*v(\d+\.\d+\.\d+)", script)
    assert found is not None
    return found[1]


def test_it_is_what_its_makers_published() -> None:
    assert hashlib.sha256(KEPT.read_bytes()).hexdigest() == SHA256


def test_it_is_of_the_version_that_figures_are_made_for() -> None:
    whole = files("plotly").joinpath("package_data/plotly.min.js").read_text()
    assert _version(KEPT.read_text()[:300]) == _version(whole[:300])


def test_pages_draw_nothing_that_it_cannot_draw() -> None:
    sources = (path.read_text() for path in Path(dashboard.__file__).parent.rglob("*.py"))
    drawn = {kind for text in sources for kind in re.findall(r"\bgo\.([A-Z]\w+)\(", text)} - {"Figure"}
    assert drawn
    assert drawn <= DRAWN_BY_IT
