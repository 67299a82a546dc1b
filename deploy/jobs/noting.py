"""What an operator does, in the ledger's audit table: that it begins, and how it ends."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from deploy.jobs.connections import rules_of
from streams.noting import noted as noted_by
from streams.settings import Settings


@contextmanager
def noted(
    settings: Settings, action: str, what: str, detail: Mapping[str, Any], *, who: str | None, why: str
) -> Iterator[dict[str, Any]]:
    """`streams.noting.noted`, each row over a connection of its own: between them lies what may take hours.

    Raises:
        LedgerUnavailable: it cannot be noted, and so it is not begun.
    """

    def note(*row: Any, **words: Any) -> None:
        with rules_of(settings) as rules:
            rules.note(*row, **words)

    with noted_by(note, action, what, detail, actor=who or getpass.getuser(), why=why) as ending:
        yield ending
