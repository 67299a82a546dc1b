"""What a key may do: scopes, each declared once, and the key as whoever answers a request sees it."""

from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from models.errors import BadSetting, Forbidden

Scope = Literal[
    "score:write",
    "decisions:read",
    "labels:write",
    "reviews:write",
    "models:admin",
    "keys:admin",
    "stats:read",
    "audit:read",
    "letters:read",
    "letters:admin",
    "users:act",
    "users:vouch",
]
SCOPES: dict[Scope, str] = {
    "score:write": "have transactions decided",
    "decisions:read": "read decisions, alerts and their reasons",
    "labels:write": "say what became of a transaction",
    "reviews:write": "settle what waits for review",
    "models:admin": "promote models, change policies and shares",
    "keys:admin": "make and revoke keys",
    "stats:read": "read counts and rates, and what decides; of no single transaction",
    "audit:read": "read who did what and why",
    "letters:read": "look at dead letters, what they hold is masked",
    "letters:admin": "send dead letters again",
    "users:act": "sign people in, and act as they may",
    "users:vouch": "say who somebody is, without a password",
}
DEFAULT_SCOPES: tuple[Scope, ...] = ("score:write", "decisions:read")
LIMIT_PER_MINUTE = 100

ACTOR_SEPARATOR = "/"  # in neither an owner's name nor a key's


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what they may. name: what the owner calls it."""

    key_id: str
    owner: str
    name: str
    scopes: tuple[Scope, ...]
    limit_per_minute: int = LIMIT_PER_MINUTE

    @property
    def actor(self) -> str:
        """Who acts with it, as the audit table has it: the same for both keys while one is rotated."""
        return f"{self.owner}{ACTOR_SEPARATOR}{self.name}"

    def require(self, scope: Scope) -> None:
        """
        Raises:
            Forbidden: the key does not have that scope.
        """
        if scope not in self.scopes:
            raise Forbidden(
                f"this key may not {SCOPES[scope]}",
                why=f"it lacks the scope {scope}",
                next_step="ask for a key that has it",
            )

    def require_grant(self, scopes: Iterable[Scope]) -> None:
        """Whether it may make keys of these scopes: nobody gets more by a key than whoever made it has.

        Raises:
            Forbidden: it lacks one of them itself.
        """
        if missing := [scope for scope in scopes if scope not in self.scopes]:
            raise Forbidden(
                f"this key may not grant {missing[0]}",
                why="it lacks that scope itself",
                next_step="leave it out, or ask with a key that has it",
            )


def known_scopes(names: Iterable[str]) -> tuple[Scope, ...]:
    """The scopes of these names, each once, in their usual order.

    Raises:
        BadSetting: no name, or one that is no scope.
    """
    asked = set(names)
    if unknown := sorted(asked - set(get_args(Scope))):
        raise BadSetting(f"there is no scope {unknown[0]}", next_step=f"use {', '.join(SCOPES)}")
    if not asked:
        raise BadSetting("a key without scopes may nothing", next_step=f"use {', '.join(SCOPES)}")
    return tuple(scope for scope in SCOPES if scope in asked)
