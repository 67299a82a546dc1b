"""Whether two streams of names hold the same, each as often: in constant memory, whatever their order.

Names fall into buckets by their hash, and a bucket keeps how many there were and the sum of their hashes.
Only where two sides differ are the names themselves looked at, in another pass.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple

BUCKETS = 4096
HASH_BYTES = 16
MODULUS = 1 << (8 * HASH_BYTES)
# So many names are held at once, in as many passes as it takes.
MOST_HELD = 200_000

Names = Callable[[], Iterable[str]]


class Difference(NamedTuple):
    """A name that is not there as often as it should be."""

    name: str
    seen: int
    wanted: int


class Fingerprint:
    """Counts and sums of hashes, by bucket."""

    def __init__(self, names: Iterable[str]) -> None:
        self.counts = [0] * BUCKETS
        self._sums = [0] * BUCKETS
        for name in names:
            number = _hash(name)
            bucket = number % BUCKETS
            self.counts[bucket] += 1
            self._sums[bucket] = (self._sums[bucket] + number) % MODULUS

    def differing(self, other: "Fingerprint") -> list[int]:
        return [
            bucket
            for bucket in range(BUCKETS)
            if (self.counts[bucket], self._sums[bucket]) != (other.counts[bucket], other._sums[bucket])
        ]


def differences(seen: Fingerprint, wanted: Fingerprint, names: tuple[Names, Names]) -> Iterator[Difference]:
    """Every name that one side has more often than the other.

    names: asks each side again, for what differs alone.
    """
    sizes = {bucket: seen.counts[bucket] + wanted.counts[bucket] for bucket in seen.differing(wanted)}
    for buckets in _portions(sizes):
        had, should = (Counter(each for each in side() if _hash(each) % BUCKETS in buckets) for side in names)
        for name in sorted(had.keys() | should.keys()):
            if had[name] != should[name]:
                yield Difference(name, had[name], should[name])


def _portions(sizes: dict[int, int]) -> Iterator[set[int]]:
    """Buckets in groups that hold so many names together, or one bucket."""
    some: set[int] = set()
    held = 0
    for bucket, size in sizes.items():
        if some and held + size > MOST_HELD:
            yield some
            some, held = set(), 0
        some.add(bucket)
        held += size
    if some:
        yield some


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=HASH_BYTES).digest(), "big")
