"""The space of a search lies around the default recipe, and changes nothing else in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.boosters import FAMILIES, Family
from models.recipes import recipe_of
from models.search_space import SPACES, Point, Span, default_point, recipe_at

families = pytest.mark.parametrize("family", FAMILIES)


def values(span: Span) -> st.SearchStrategy[int | float]:
    if isinstance(span.low, int) and isinstance(span.high, int):
        return st.integers(span.low, span.high)
    return st.floats(span.low, span.high)


def points(family: Family) -> st.SearchStrategy[Point]:
    return st.fixed_dictionaries({name: values(span) for name, span in SPACES[family].items()})


@families
def test_the_default_recipe_lies_in_its_space(family: Family) -> None:
    point = default_point(family)
    assert point.keys() == SPACES[family].keys()
    for name, span in SPACES[family].items():
        assert span.low <= point[name] <= span.high
        assert isinstance(point[name], type(span.low))


@families
@given(data=st.data())
def test_what_is_not_searched_stays_as_in_the_default_recipe(family: Family, data: st.DataObject) -> None:
    found = recipe_at(family, data.draw(points(family)))
    fixed = recipe_of(family).parameters.items() - default_point(family).items()
    assert fixed <= found.parameters.items()
    assert found.parameters.keys() == {name for name, _ in fixed} | SPACES[family].keys() - {"trees"}


@families
@given(data=st.data())
def test_a_recipe_stays_within_the_spans_when_it_is_rounded(family: Family, data: st.DataObject) -> None:
    found = recipe_at(family, data.draw(points(family)))
    for name, span in SPACES[family].items():
        value = found.trees if name == "trees" else found.parameters[name]
        assert span.low <= value <= span.high
        assert value == float(f"{value:.3g}")
