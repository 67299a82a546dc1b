"""The tree of errors: as drawn, and what each says about trying again."""

import re
from collections.abc import Iterator

import pytest

from models import errors
from models.errors import FraudError, Malformed, MalformedTransaction, Unavailable

CLASSES = {
    name: found
    for name, found in vars(errors).items()
    if isinstance(found, type) and issubclass(found, FraudError)
}
BRANCH = re.compile(r"^(?P<indent>[│├└─ ]*)(?P<name>[A-Z]\w+)(?:\s+(?P<words>.+))?$")


def drawn() -> Iterator[tuple[str, str, str]]:
    """Class, base and words of each line of the tree."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = BRANCH.match(line)
        if found and (path or found["name"] == "FraudError"):
            depth = len(found["indent"]) // 4
            path[depth:] = [found["name"]]
            yield found["name"], path[depth - 1] if depth else "Exception", found["words"] or ""


def test_the_tree_is_drawn_as_it_is() -> None:
    bases = {name: found.__bases__[0].__name__ for name, found in CLASSES.items()}
    assert {name: base for name, base, _ in drawn()} == bases


def test_each_class_of_the_tree_is_drawn_once() -> None:
    names = [name for name, _, _ in drawn()]
    assert len(names) == len(set(names)) == len(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_waiting_helps_where_a_dependency_failed_and_nowhere_else(name: str) -> None:
    assert CLASSES[name].retry is issubclass(CLASSES[name], Unavailable)


def test_the_words_of_the_tree_say_which_errors_to_try_again() -> None:
    words = {name: text for name, _, text in drawn()}
    assert "try again" in words["Unavailable"]
    assert "never retry" in words["Malformed"]
    assert "drop it" in words["Refused"]
    assert "stop" in words["Halt"]


def test_each_class_has_a_code_of_its_own_made_from_its_name() -> None:
    own = {name: found.code for name, found in CLASSES.items() if not issubclass(found, Malformed)}
    assert own == {name: re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower() for name in own}


def test_an_error_says_what_why_and_what_next_in_sentences() -> None:
    error = FraudError("it broke.", why="too old", next_step="buy a new one")
    assert str(error) == "it broke. too old. Next: buy a new one"
    assert str(FraudError("it broke")) == "it broke"


def test_malformed_input_carries_the_reason_of_its_dead_letter() -> None:
    error = MalformedTransaction("currency", "this deployment decides EUR")
    assert (error.code, error.what) == ("currency", "this deployment decides EUR")
    assert str(MalformedTransaction("empty")) == "empty"
    assert MalformedTransaction.code == "malformed"
