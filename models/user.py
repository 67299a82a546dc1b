"""People who sign in: what each role opens, how a password is kept, and the token that names who acts.

A token is told once somebody has signed in, and again while he works: it lives for minutes, bears the
person's epoch, and opens nothing once that has changed. All of them end some hours after signing in. It holds
no role: that is looked up.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer

from models.api_key import plain_name
from models.errors import BadSetting, Unauthenticated
from models.scopes import Scope
from models.shared_key import SharedKey, fixed

Role = Literal["viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
_LOOK: tuple[Scope, ...] = ("decisions:read", "stats:read", "audit:read", "letters:read")
OPENS: Mapping[Role, tuple[Scope, ...]] = {
    "viewer": _LOOK,
    "analyst": (*_LOOK, "reviews:write", "labels:write"),
    "admin": (*_LOOK, "reviews:write", "labels:write", "models:admin", "keys:admin", "letters:admin"),
}
# Whose actions are those of people; no key may have this owner.
OWNER = "user"
SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 256
SALT_BYTES, DIGEST_BYTES = 16, 32
# 32 MiB and some 80 ms for each guess. Source: RFC 7914, OWASP's recommendation for scrypt.
COST, BLOCK, LANES = 2**15, 8, 1
MEMORY_BYTES = 64 * 1024 * 1024
TOKEN_S = 600
SESSION_S = 12 * 3600  # from signing in, however often its token is renewed
PURPOSE = "fraudml user token 1"

RandomBytes = Callable[[int], bytes]
Now = Callable[[], float]  # seconds since 1970


class Password(NamedTuple):
    """What is kept of one."""

    salt: bytes
    digest: bytes


class Signed(NamedTuple):
    """Whom a token names. epoch: rises when all that was signed before shall open nothing. signed_in_at: in
    seconds since 1970; kept when a token is renewed."""

    name: str
    epoch: int
    signed_in_at: int


class Token(NamedTuple):
    """text: what is presented. expires_in_s: for how long it opens anything."""

    text: str
    expires_in_s: int


def known_role(text: str) -> Role:
    """
    Raises:
        BadSetting: there is no such role.
    """
    for role in ROLES:
        if role == text:
            return role
    raise BadSetting(f"there is no role {text!r}", next_step=f"one of {', '.join(ROLES)}")


def user_name(text: str) -> str:
    """
    Raises:
        BadSetting: it cannot be shown in a table.
    """
    return plain_name("name", text)


def kept(password: str, random_bytes: RandomBytes) -> Password:
    """
    Raises:
        BadSetting: it is too short, or longer than anybody types.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadSetting(
            "this password cannot be taken",
            why=f"it has {len(password)} characters",
            next_step=f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}; a sentence will do",
        )
    salt = random_bytes(SALT_BYTES)
    return Password(salt, _digest(password, salt))


def is_right(password: str, of: Password | None) -> bool:
    """Takes as long where there is nobody of that name. of: None for that."""
    salt, digest = of or Password(bytes(SALT_BYTES), bytes(DIGEST_BYTES))
    right = hmac.compare_digest(_digest(password[:LONGEST_PASSWORD], salt), digest)
    return right and of is not None


def _digest(password: str, salt: bytes) -> bytes:
    raw = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(raw, salt=salt, n=COST, r=BLOCK, p=LANES, maxmem=MEMORY_BYTES, dklen=DIGEST_BYTES)


class ClockedSigner(TimestampSigner):
    """Marks and judges ages by a clock that it is given."""

    def __init__(self, *keys: Any, now: Now, **words: Any) -> None:
        super().__init__(*keys, **words)
        self._now = now

    def get_timestamp(self) -> int:
        return int(self._now())


class Tokens:
    """Signs and reads tokens. secret: shared by all gateways."""

    def __init__(self, secret: bytes | SharedKey, now: Now) -> None:
        self._now = now
        self._secret = fixed(secret)

    @property
    def _serializer(self) -> URLSafeTimedSerializer:
        """It signs with the last of its keys, and reads what any of them has signed."""
        keys = [*reversed(self._secret.accepted())]
        words = {"digest_method": hashlib.sha256, "now": self._now}
        return URLSafeTimedSerializer(keys, salt=PURPOSE, signer=ClockedSigner, signer_kwargs=words)

    def begin(self, name: str, epoch: int) -> Token:
        """The first one of somebody who has just signed in."""
        return self.sign(Signed(name, epoch, int(self._now())))

    def sign(self, who: Signed) -> Token:
        return Token(str(self._serializer.dumps([*who])), min(TOKEN_S, int(self._left_s(who))))

    def read(self, token: str) -> Signed:
        """
        Raises:
            Unauthenticated: it is not ours, has ended, or its owner signed in too long ago.
        """
        try:
            name, epoch, signed_in_at = self._serializer.loads(token, max_age=TOKEN_S)
        except (BadData, ValueError, TypeError):
            raise no_sign_in() from None
        signed = Signed(str(name), int(epoch), int(signed_in_at))
        if self._left_s(signed) <= 0:
            raise no_sign_in()
        return signed

    def _left_s(self, who: Signed) -> float:
        return who.signed_in_at + SESSION_S - self._now()


def no_sign_in() -> Unauthenticated:
    return Unauthenticated("the sign-in does not hold any more", next_step="sign in again")
