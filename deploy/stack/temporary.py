"""A stack in a folder of its own, for tests and benchmarks, that leaves nothing behind."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.origins import ADDRESSES
from deploy.stack.stack import Stack, migrate_to_newest
from deploy.stack.starting import Migrate
from deploy.stack.workers import STORES
from streams.settings import Settings, read_settings


@contextmanager
def temporary_stack(
    parts: Sequence[str] = STORES,
    workers: int = 0,
    *,
    migrate: Migrate = migrate_to_newest,
    wait_for: Iterable[str] | None = None,
    **overrides: Any,
) -> Iterator[Stack]:
    """A running stack, stopped and removed at the end.

    Args:
        overrides: settings, by field name, such as partitions=2.
    """
    with tempfile.TemporaryDirectory(prefix="fraudml-home-") as folder:
        stack = Stack(Path(folder), settings=own_settings(Path(folder), **overrides), migrate=migrate)
        stack.up(parts, workers, wait_for)
        try:
            yield stack
        finally:
            stack.down(remove_data=True)


def own_settings(home: Path, **overrides: Any) -> Settings:
    """The settings of this process, but never its stores: a test must not reach the developer's own."""
    nowhere = {field: Settings.model_fields[field].default for field in ADDRESSES.values()}
    return read_settings(**{**nowhere, **overrides, "home": home})
