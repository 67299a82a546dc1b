"""What an audit ends with."""

from typing import NamedTuple

# Nobody was asked, or a tool did not do its work, is no success.
OK, FAILED, FOUND = 0, 1, 4


class Verdict(NamedTuple):
    """lines: what is told. code: with which it ends."""

    lines: list[str]
    code: int


def worst(verdicts: list[Verdict]) -> Verdict:
    """All lines in their order; what was found outweighs what could not be looked at."""
    return Verdict([line for each in verdicts for line in each.lines], max(each.code for each in verdicts))
