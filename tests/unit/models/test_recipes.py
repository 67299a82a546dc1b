"""Recipes by name, and as they would be written down."""

import ast

import pytest

from models.boosters import Family
from models.errors import Misuse
from models.recipes import RECIPES, Recipe, RecipeName, recipe_of, source_of


def test_a_family_says_which_recipes_it_has() -> None:
    with pytest.raises(Misuse, match=r"lightgbm has no recipe book\. Next: use default"):
        recipe_of("lightgbm", "book")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_can_be_written_down_and_read_again(name: tuple[Family, RecipeName]) -> None:
    recipe = RECIPES[name]
    (call,) = ast.parse(source_of(recipe)).body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    assert Recipe(*map(ast.literal_eval, call.value.args)) == recipe
