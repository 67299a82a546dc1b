import pytest

from deploy.stack.durations import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (8.9, "8 s"), (312, "5 m 12 s"), (3600, "1 h"), (3661, "1 h 1 m"), (273_600, "3 d 4 h")],
)
def test_the_two_largest_units_are_told(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
