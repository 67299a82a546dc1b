"""Who fails to authenticate again and again is turned away by address, before the key is looked at.

A key that has opened something from an address goes on opening there: whoever shares it with somebody who
fails, behind a proxy or after a key has expired, is not shut out.
"""

import hashlib
import ipaddress
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from streams.bursts import Bursts
from streams.ledger.audit import PostgresAudit
from streams.settings import Settings

WINDOW_S = 60.0
MOST_ADDRESSES = 4096
MOST_KNOWN = 4096
# Somebody with one address by IPv6 has all of its network.
NETWORK_BITS = 64
LONGEST_ADDRESS = 45
SALT_BYTES = 32
PASSWORDS_PER_MINUTE = 10
AUDIT_S = 2.0  # no request waits for it


@dataclass
class Failures:
    """The last failures of an address, oldest first, in seconds; and those that nobody was told of."""

    times_s: deque[float]
    untold: int = 0


class FailedKeys:
    """For one event loop. Failures are counted exactly: at most so many in any window.

    most: how many failures of an address are looked at in any 60 s. clock: seconds, monotonic.
    told: called with an address that is turned away and how many failures and refusals are new.
    salt: random; by it keys that opened are remembered without being kept.
    Beyond `most_addresses` the one that has not failed for longest is forgotten.
    """

    def __init__(
        self,
        most: int,
        clock: Callable[[], float],
        told: Callable[[str, int, int], None],
        salt: bytes,
        *,
        most_addresses: int = MOST_ADDRESSES,
        most_known: int = MOST_KNOWN,
    ) -> None:
        self._most = most
        self._clock = clock
        self._told = told
        self._salt = salt
        self._most_addresses = most_addresses
        self._most_known = most_known
        self._failures: OrderedDict[str, Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    def wait_s(self, address: str, presented: str) -> int | None:
        """After how many seconds the address may try a key again; None for now."""
        found = self._failures.get(address)
        if found is None or not self._is_full(found) or self._mark(address, presented) in self._known:
            return None
        self._told(address, 0, 1)
        return max(1, ceil(found.times_s[0] + WINDOW_S - self._clock()))

    def failed(self, address: str, presented: str) -> None:
        """A key from there opened nothing."""
        self._known.pop(self._mark(address, presented), None)
        found = self._failures.setdefault(address, Failures(deque(maxlen=self._most)))
        self._failures.move_to_end(address)
        if len(self._failures) > self._most_addresses:
            self._failures.popitem(last=False)
        self._forget_old(found)
        found.times_s.append(self._clock())
        found.untold += 1
        if self._is_full(found):
            self._told(address, found.untold, 0)
            found.untold = 0

    def opened(self, address: str, presented: str) -> None:
        """A key from there opened something."""
        mark = self._mark(address, presented)
        self._known[mark] = None
        self._known.move_to_end(mark)
        if len(self._known) > self._most_known:
            self._known.popitem(last=False)

    def _is_full(self, found: Failures) -> bool:
        self._forget_old(found)
        return len(found.times_s) >= self._most

    def _forget_old(self, found: Failures) -> None:
        while found.times_s and found.times_s[0] <= self._clock() - WINDOW_S:
            found.times_s.popleft()
        found.untold = min(found.untold, len(found.times_s))

    def _mark(self, address: str, presented: str) -> tuple[str, bytes]:
        text = presented.encode("utf-8", "surrogatepass")
        return address, hashlib.blake2b(text, digest_size=16, key=self._salt).digest()


@contextmanager
def running_failed_keys(settings: Settings) -> Iterator[FailedKeys]:
    """Keys by address, of a gateway; bursts go to the audit table."""
    with _running(
        settings, settings.failed_keys_per_minute, "address", "keys from this address failed again and again"
    ) as found:
        yield found


@contextmanager
def running_failed_passwords(settings: Settings) -> Iterator[FailedKeys]:
    """The same for passwords, by name."""
    with _running(
        settings, PASSWORDS_PER_MINUTE, "user", "passwords under this name failed again and again"
    ) as found:
        yield found


@contextmanager
def _running(settings: Settings, most: int, what: str, why: str) -> Iterator[FailedKeys]:
    with closing(PostgresAudit(settings.database_url, AUDIT_S, f"fraudml-failed-{what}")) as audit:
        bursts = Bursts(
            audit.note,
            actor="gateway",
            action="authenticate",
            after="turned away",
            why=why,
            outcome="refused",
        )

        def told(address: str, failures: int, turned_away: int) -> None:
            counts = {"failures": failures, "turned_away": turned_away}
            bursts.add(f"{what} {address}", counts, {"since": datetime.now(UTC)})

        bursts.start()
        try:
            yield FailedKeys(most, time.monotonic, told, secrets.token_bytes(SALT_BYTES))
        finally:
            bursts.stop()


def address_of(host: str | None) -> str:
    """What failures are counted by: an address by IPv4, a network of 64 bits by IPv6."""
    if host is None or ":" not in host:
        return (host or "unknown")[:LONGEST_ADDRESS]
    try:
        found = ipaddress.IPv6Address(host.partition("%")[0])
    except ValueError:
        return host[:LONGEST_ADDRESS]
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, NETWORK_BITS), strict=False))
