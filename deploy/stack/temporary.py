"""A stack in a folder of its own, for tests and benchmarks, that leaves nothing behind."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.stack.stack import Stack, migrate_to_newest
from deploy.stack.starting import Migrate
from deploy.stack.workers import STORES
from streams.settings import Settings, read_settings

OF_THE_MACHINE = ("jars_repository", "jars_cache")
# Several such stacks may run at once, beside one that is meant to stay.
FREE_PORTS = {"gateway_port": 0, "monitor_port": 0}


def home_prefix() -> str:
    """How the name of a folder of this process' stacks begins, so that their processes can be told."""
    return f"fraudml-home-{os.getpid()}-"


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
    with tempfile.TemporaryDirectory(prefix=home_prefix()) as folder:
        stack = Stack(Path(folder), settings=own_settings(Path(folder), **overrides), migrate=migrate)
        stack.up(parts, workers, wait_for)
        try:
            yield stack
        finally:
            stack.down(remove_data=True)


def own_settings(home: Path, **overrides: Any) -> Settings:
    """The defaults and free ports, whatever this process is told, but where Kafka's jars come from.

    A drill or a test must neither reach the developer's own stores nor depend on the developer's settings.
    """
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
        if name not in OF_THE_MACHINE
    }
    return read_settings(**{**defaults, **FREE_PORTS, **overrides, "home": home})
