"""The key ring: which keys are live, as this process last heard, so that no request waits for Postgres.

A thread asks every two seconds, so a revoked key opens nothing after five. Where Postgres is away the ring
goes on with what it knows for five minutes; then it opens to nobody but the key of the setting API_KEY.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime

import structlog

from api.lookout import Lookout
from models.api_key import digest_of, not_a_key, parse, pepper_id, same_digest
from models.errors import LedgerUnavailable
from models.scopes import SCOPES, Key
from models.shared_key import SharedKey, fixed
from streams.ledger.keys import LiveKey, PostgresKeys
from streams.secret_files import shared_pepper
from streams.settings import Settings

log = structlog.get_logger(__name__)

EVERY_S = 2.0
KEPT_S = 300.0
# What is revoked while one look is under way is missed by that, and seen by the next: within 1 + 2 + 1 s.
TIMEOUT_S = 1.0
BOOTSTRAP = Key(key_id="bootstrap", owner="bootstrap", name="API_KEY", scopes=tuple(SCOPES))


class KeyRing:
    """Verifies presented keys, from any thread; `start` and `stop` belong to one.

    live: asks which keys are live; called by one thread at a time. pepper: looked at again with them.
    bootstrap: a key that opens everything; empty for none.
    clock: monotonic, in seconds.
    """

    def __init__(
        self,
        live: Callable[[], Sequence[LiveKey]],
        pepper: bytes | SharedKey,
        bootstrap: str,
        *,
        clock: Callable[[], float],
        every_s: float = EVERY_S,
    ) -> None:
        self._live = live
        self._shared = fixed(pepper)
        # What compares the bootstrap key, and stands in for the pepper of a key that nobody knows.
        self._pepper = self._shared.signing()
        self._bootstrap = digest_of(self._pepper, bootstrap) if bootstrap else None
        self._peppers = self._by_id()
        self._clock = clock
        self._known: Mapping[str, LiveKey] = {}
        self._heard_at: float | None = None
        self._foreign = 0
        self._lookout = Lookout("keys", self.look, every_s)

    def verify(self, presented: str, now: datetime) -> Key:
        """Whose key this is. now: with a zone.

        Raises:
            Unauthenticated: nobody's, or one that has ended.
            LedgerUnavailable: nobody has heard for too long which keys are live.
        """
        if self._is_bootstrap(presented):
            return BOOTSTRAP
        written = parse(presented)
        if self.stale():
            raise LedgerUnavailable(
                "keys cannot be checked",
                why="Postgres has not told for a while which are live",
                next_step="try again in a few seconds",
            )
        found = self._known.get(written.key_id)
        pepper = self._peppers.get(found.pepper_id, self._pepper) if found else self._pepper
        right = same_digest(found and found.digest, digest_of(pepper, written.secret))
        if found is None or not right or found.env != written.env or _has_ended(found, now):
            raise not_a_key()
        return found.key

    def stale(self) -> bool:
        """Whether it has been too long since Postgres was heard."""
        return self._heard_at is None or self._clock() - self._heard_at > KEPT_S

    def look(self) -> None:
        """Ask which keys are live.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        asked_at = self._clock()
        live = self._live()
        self._peppers = self._by_id()
        mine = {each.key.key_id: each for each in live if each.pepper_id in self._peppers}
        self._known, self._heard_at = mine, asked_at
        self._tell_foreign(len(live) - len(mine))

    def look_again(self) -> None:
        """One look that changes nothing where it fails; logged when it begins to."""
        self._lookout.look_again()

    def start(self) -> None:
        """Look once, in this thread, and from then on every two seconds in another."""
        self._lookout.start()

    def stop(self) -> None:
        """Look no more; waits for a look that is under way."""
        self._lookout.stop()

    def _by_id(self) -> dict[str, bytes]:
        """Two, while one is rotated into the other."""
        return {pepper_id(each): each for each in self._shared.accepted()}

    def _tell_foreign(self, foreign: int) -> None:
        if foreign and foreign != self._foreign:
            log.warning("keys_of_another_pepper", keys=foreign, why="they open nothing here")
        self._foreign = foreign

    def _is_bootstrap(self, presented: str) -> bool:
        """Compared as digests: of equal length, whatever was presented."""
        if self._bootstrap is None:
            return False
        return same_digest(self._bootstrap, digest_of(self._pepper, presented))


def _has_ended(found: LiveKey, now: datetime) -> bool:
    return found.expires_at is not None and found.expires_at <= now


@contextmanager
def running_key_ring(settings: Settings) -> Iterator[KeyRing]:
    """The ring of a gateway, which looks by itself.

    Raises:
        BadSetting: there is no pepper to be had.
    """
    pepper, bootstrap = shared_pepper(settings, secrets.token_bytes), settings.api_key.get_secret_value()
    with closing(PostgresKeys(settings.database_url, TIMEOUT_S, "fraudml-keys")) as keys:
        ring = KeyRing(keys.live, pepper, bootstrap, clock=time.monotonic)
        ring.start()
        try:
            yield ring
        finally:
            ring.stop()
