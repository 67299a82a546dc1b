"""Digits for ids: from the system's source, none of them twice, and not one call for each."""

from api.random_digits import DRAWN_BYTES, RandomDigits


class Source:
    """Tells its digits apart by counting; draws: how many it was asked for."""

    def __init__(self) -> None:
        self.draws: list[int] = []

    def __call__(self, count: int) -> str:
        self.draws.append(count)
        return "".join(f"{len(self.draws):02x}" for _ in range(count))


def test_no_digits_are_given_twice() -> None:
    digits = RandomDigits(lambda count: "".join(f"{n % 16:x}" for n in range(2 * count)))
    assert [digits.take(4) for _ in range(4)] == ["0123", "4567", "89ab", "cdef"]


def test_the_source_is_asked_when_nothing_is_left() -> None:
    source = Source()
    digits = RandomDigits(source)
    for _ in range(2 * DRAWN_BYTES // 16):
        assert digits.take(16) == "01" * 8
    assert source.draws == [DRAWN_BYTES]
    assert digits.take(16) == "02" * 8


def test_what_is_left_is_not_mixed_with_what_is_new() -> None:
    digits = RandomDigits(Source())
    digits.take(2 * DRAWN_BYTES - 3)
    assert digits.take(4) == "0202"


def test_ids_differ() -> None:
    one, other = RandomDigits(), RandomDigits()
    found = [each.take(16) for each in (one, other) for _ in range(1000)]
    assert len(set(found)) == len(found)
    assert {len(each) for each in found} == {16}
