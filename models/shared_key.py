"""A key that several processes share, and that may be turned while they run.

Each looks again every second: what it finds it accepts at once, and signs with only after everybody has had
the time to look. What is called previous is accepted for as long as it is there.
"""

from collections.abc import Callable

EVERY_S = 1.0
SETTLED_AFTER_S = 3.0

Read = Callable[[], tuple[bytes, ...]]


class SharedKey:
    """read: the key to sign with, then others to accept. clock: monotonic, in seconds.

    failed: called with what went wrong when it cannot be read again; what was known holds.
    """

    def __init__(
        self,
        read: Read,
        clock: Callable[[], float],
        failed: Callable[[Exception], object] = lambda error: None,
    ) -> None:
        self._read = read
        self._clock = clock
        self._failed = failed
        found = read()
        self._signing, self._accepted = found[0], found
        self._newest, self._newest_since = found[0], clock()
        self._looked_at = clock()

    def signing(self) -> bytes:
        self._look()
        return self._signing

    def accepted(self) -> tuple[bytes, ...]:
        """All that may be met, the one that we sign with first."""
        self._look()
        return self._accepted

    def _look(self) -> None:
        now_s = self._clock()
        if now_s - self._looked_at < EVERY_S:
            return
        self._looked_at = now_s
        try:
            found = self._read()
        except Exception as error:
            self._failed(error)
            return
        if found[0] != self._newest:
            self._newest, self._newest_since = found[0], now_s
        if now_s - self._newest_since >= SETTLED_AFTER_S:
            self._signing = self._newest
        self._accepted = tuple(dict.fromkeys((self._signing, *found)))


def fixed(key: "bytes | SharedKey") -> SharedKey:
    """One that never turns, of a key; one that may, as it is."""
    return key if isinstance(key, SharedKey) else SharedKey(lambda: (key,), lambda: 0.0)
