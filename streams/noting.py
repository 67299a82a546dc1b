"""What somebody does, in the ledger's audit table: that it begins, and how it ends."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from models.errors import FraudError

# As `streams.ledger.audit.PostgresAudit.note`.
Note = Callable[..., None]


@contextmanager
def noted(
    note: Note, action: str, what: str, detail: Mapping[str, Any], *, actor: str, why: str
) -> Iterator[dict[str, Any]]:
    """Two rows around something that takes a while: outcome `begun`, then `done` or `failed`.

    So what was cut short is in the table too. Yields a dict for what is to be told of the end; its `after` is
    the row's.

    Raises:
        LedgerUnavailable: it cannot be noted, and so it is not begun.
    """
    words = {"actor": actor, "why": why, **detail}
    note(action, what, None, "", outcome="begun", **words)
    ending: dict[str, Any] = {}
    try:
        yield ending
    except BaseException as error:
        # Where this cannot be noted either, the row that it began is left alone, and tells as much.
        with suppress(FraudError):
            told = {**words, "error": getattr(error, "code", type(error).__name__)}
            note(action, what, None, "", outcome="failed", **told)
        raise
    note(action, what, None, str(ending.pop("after", "")), **words, **ending)
