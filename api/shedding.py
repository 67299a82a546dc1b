"""Which requests are let in when there are too many: those that matter more. Asked before a body is read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

Kind = Literal["score", "lookup", "admin", "dashboard"]
# The part of all places up to which each kind is let in; what lies above is kept for those before it.
SHARES: Mapping[Kind, float] = {"score": 1.0, "lookup": 0.8, "admin": 0.7, "dashboard": 0.5}
RETRY_AFTER_S = 1


class Admission:
    """Counts the requests in progress, of all kinds together. For one event loop.

    places: how many requests may be in progress at once.
    """

    def __init__(self, places: int, shares: Mapping[Kind, float] = SHARES) -> None:
        self.in_progress = 0
        # However few places there are, nobody is shut out when nothing else is going on.
        self._most = {kind: max(1, int(places * share)) for kind, share in shares.items()}

    @contextmanager
    def place(self, kind: Kind) -> Iterator[int | None]:
        """A place for as long as a request is in progress; gives None.

        Where there is none, gives the seconds after which the caller may try again (Retry-After of a 503).
        """
        if self.in_progress >= self._most[kind]:
            yield RETRY_AFTER_S
            return
        self.in_progress += 1
        try:
            yield None
        finally:
            self.in_progress -= 1
