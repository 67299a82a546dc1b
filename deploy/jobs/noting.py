"""What an operator does, in the ledger's audit table: that it begins, and how it ends."""

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from deploy.jobs.connections import rules_of
from models.errors import FraudError
from streams.settings import Settings


@contextmanager
def noted(
    settings: Settings, action: str, what: str, detail: Mapping[str, Any], *, who: str | None, why: str
) -> Iterator[dict[str, Any]]:
    """Two rows around something that takes a while: outcome `begun`, then `done` or `failed`.

    So what was cut short is in the table too. Yields a dict for what is to be told of the end; its `after` is
    the row's.

    Raises:
        LedgerUnavailable: it cannot be noted, and so it is not begun.
    """
    words = {"actor": who or getpass.getuser(), "why": why, **detail}
    with rules_of(settings) as rules:
        rules.note(action, what, None, "", outcome="begun", **words)
    ending: dict[str, Any] = {}
    try:
        yield ending
    except BaseException as error:
        # Where this cannot be noted either, the row that it began is left alone, and tells as much.
        with suppress(FraudError), rules_of(settings) as rules:
            told = {**words, "error": getattr(error, "code", type(error).__name__)}
            rules.note(action, what, None, "", outcome="failed", **told)
        raise
    with rules_of(settings) as rules:
        rules.note(action, what, None, str(ending.pop("after", "")), **words, **ending)
