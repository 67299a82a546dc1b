"""In which order what is compared takes its turns."""

from collections.abc import Sequence
from typing import TypeVar

Kind = TypeVar("Kind")


def turns(kinds: Sequence[Kind], rounds: int) -> list[Kind]:
    """All in each round, and the other way round in every second: what drifts meanwhile counts for all."""
    there, back = list(kinds), list(reversed(kinds))
    return [kind for number in range(rounds) for kind in (back if number % 2 else there)]
