"""Dead letters, as an operator counts them, looks at them and sends them again."""

import getpass
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

import msgspec

from deploy.jobs.connections import log_of, rules_of
from load.producer import Pusher
from streams.kafka import producer_config
from streams.ledger.replays import Replays
from streams.letter_desk import LetterDesk, Wanted, shown
from streams.settings import Settings

__all__ = ["Wanted", "count_letters", "replay_letters", "shown_letters"]


def count_letters(settings: Settings, wanted: Wanted) -> list[dict[str, Any]]:
    """One entry per topic and reason, the most frequent first.

    Raises:
        NotFound: no such topic has dead letters.
    """
    with _desk(settings) as desk:
        return [_told(each) for each in desk.counts(wanted)]


def shown_letters(settings: Settings, wanted: Wanted, limit: int) -> Iterator[dict[str, Any]]:
    """Letters as they may be seen: no id, amount or text of a payload."""
    with _desk(settings) as desk:
        for letter in islice(desk.found(wanted), limit):
            yield _told(shown(letter))


def replay_letters(
    settings: Settings,
    wanted: Wanted,
    *,
    again: bool = False,
    dry_run: bool = False,
    who: str | None = None,
    why: str = "",
) -> dict[str, int]:
    """`LetterDesk.replay`"""
    with _desk(settings) as desk:
        actor = who or getpass.getuser()
        return _told(desk.replay(wanted, again=again, dry_run=dry_run, actor=actor, why=why))


@contextmanager
def _desk(settings: Settings) -> Iterator[LetterDesk]:
    def note(*row: Any, **words: Any) -> None:
        with rules_of(settings) as rules:
            rules.note(*row, **words)

    def send(*records: Any) -> None:
        Pusher(producer_config(settings, "dlq"), clock=time.monotonic, sleep=time.sleep).send(*records)

    replays = Replays(settings.database_url, settings.ledger_timeout_s)
    with closing(
        LetterDesk(settings.dead_letter_topics, lambda: log_of(settings), replays, note, send)
    ) as desk:
        yield desk


def _told(found: msgspec.Struct) -> dict[str, Any]:
    return msgspec.to_builtins(found)  # type: ignore[no-any-return]
