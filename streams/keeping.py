"""View keepers as programs put them together: over their own connections, or over new ones to heal apart."""

import secrets
from collections.abc import Callable

from streams.healing import ViewKeeper
from streams.ledger import PostgresLedger
from streams.metrics import Metrics
from streams.ports import Ledger, View
from streams.settings import Settings
from streams.view import RedisView

Progress = Callable[[int], None]


def keeper_of(
    ledger: Ledger,
    view: View,
    metrics: Metrics,
    progress: Progress = lambda count: None,
    heal_apart: Callable[[], None] | None = None,
) -> ViewKeeper:
    """As `ViewKeeper`, with epochs of eight random hexadecimal digits."""
    return ViewKeeper(
        ledger, view, lambda: secrets.token_hex(4), metrics, progress=progress, heal_apart=heal_apart
    )


def heal_over_own_connections(
    settings: Settings, application: str, metrics: Metrics, progress: Progress = lambda count: None
) -> None:
    """Heal, while others go on over theirs."""
    ledger = PostgresLedger(settings.database_url, settings.ledger_timeout_s, application)
    view = RedisView(settings.redis_url, settings.view_timeout_s, settings.state_groups)
    try:
        keeper_of(ledger, view, metrics, progress).heal()
    finally:
        ledger.close()
        view.close()
