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
]
SCOPES: dict[Scope, str] = {
    "score:write": "have transactions decided",
    "decisions:read": "read decisions, alerts and their reasons",
    "labels:write": "say what became of a transaction",
    "reviews:write": "settle what waits for review",
    "models:admin": "promote models, change policies and shares",
    "keys:admin": "make and revoke keys",
    "stats:read": "read counts and rates, of no single transaction",
}
DEFAULT_SCOPES: tuple[Scope, ...] = ("score:write", "decisions:read")
LIMIT_PER_MINUTE = 100


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, and what they may. name: what the owner calls it."""

    key_id: str
    owner: str
    name: str
    scopes: tuple[Scope, ...]
    limit_per_minute: int = LIMIT_PER_MINUTE

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
