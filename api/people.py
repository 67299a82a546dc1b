"""Who acts: people who have signed in, by their tokens, as this process last heard of them.

A thread asks the ledger every two seconds, so who is disabled, or has another role, is so within five.
Where Postgres is away what was heard holds for five minutes, as for keys.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from api.key_ring import EVERY_S, KEPT_S, TIMEOUT_S
from api.lookout import Lookout
from models.errors import LedgerUnavailable
from models.scopes import Key
from models.shared_key import SharedKey
from models.user import OPENS, OWNER, Signed, Token, Tokens, no_sign_in
from streams.ledger.users import KnownUser, PostgresUsers
from streams.settings import Settings

LIMIT_PER_MINUTE = 1200  # a page asks several times a second while somebody looks at it


class People:
    """known: asks who may act; called by one thread at a time. clock: monotonic, in seconds."""

    def __init__(
        self, known: Callable[[], Sequence[KnownUser]], tokens: Tokens, clock: Callable[[], float]
    ) -> None:
        self._ask = known
        self._tokens = tokens
        self._clock = clock
        self._known: Mapping[str, KnownUser] = {}
        self._heard_at: float | None = None

    def look(self) -> None:
        """
        Raises:
            LedgerUnavailable: Postgres cannot be reached.
        """
        asked_at = self._clock()
        self._known, self._heard_at = {each.name: each for each in self._ask()}, asked_at

    def whose(self, token: str) -> Key:
        """As a key that opens what the role opens.

        Raises:
            Unauthenticated: it is no token of ours, has ended, or its owner may not act any more.
            LedgerUnavailable: nobody has heard for too long who may act.
        """
        signed = self._tokens.read(token)
        if self._heard_at is None or self._clock() - self._heard_at > KEPT_S:
            raise LedgerUnavailable("users cannot be checked", next_step="try again in a few seconds")
        known = self._known.get(signed.name)
        # A later epoch than was heard of is of somebody who has signed in since.
        if known is None or known.epoch > signed.epoch:
            raise no_sign_in()
        return Key(
            key_id=f"{OWNER}-{known.name}",
            owner=OWNER,
            name=known.name,
            scopes=OPENS[known.role],
            limit_per_minute=LIMIT_PER_MINUTE,
        )

    def signed_in(self, known: KnownUser) -> Token:
        """For somebody who has just signed in."""
        return self._tokens.begin(known.name, known.epoch)

    def renewed(self, token: str, known: KnownUser) -> Token:
        """The next one, of the same signing in. known: as the ledger has just said.

        Raises:
            Unauthenticated: it does not hold, or the ledger says so and nobody here has heard it yet.
        """
        signed = self._tokens.read(token)
        if (known.name, known.epoch) != (signed.name, signed.epoch):
            raise no_sign_in()
        return self._tokens.sign(signed)

    def read(self, token: str) -> Signed:
        """
        Raises:
            Unauthenticated: it is no token of ours, or has ended.
        """
        return self._tokens.read(token)


@contextmanager
def running_people(settings: Settings, secret: bytes | SharedKey) -> Iterator[People]:
    """secret: shared by all gateways."""
    with closing(PostgresUsers(settings.database_url, TIMEOUT_S, "fraudml-users")) as users:
        people = People(users.known, Tokens(secret, time.time), time.monotonic)
        lookout = Lookout("users", people.look, EVERY_S)
        lookout.start()
        try:
            yield people
        finally:
            lookout.stop()
