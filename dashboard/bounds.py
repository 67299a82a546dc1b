"""How much one person, or everybody, may have in hand at once: so that nobody keeps the others waiting."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from models.errors import GatewayProblem


class Bound:
    """most: at once, of each name. what: is told to whoever wants more."""

    def __init__(self, most: int, what: str) -> None:
        self._most = most
        self._what = what
        self._held: Counter[str] = Counter()

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """
        Raises:
            GatewayProblem: there are as many already.
        """
        if self._held[name] >= self._most:
            raise GatewayProblem("overloaded", self._what, "Wait a moment, then try again.", 429)
        self._held[name] += 1
        try:
            yield
        finally:
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]
