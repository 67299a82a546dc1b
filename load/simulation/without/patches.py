"""Taking something away for a while."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

Patch = tuple[Any, str, Any]  # where, its name there, and what it is meanwhile


@contextmanager
def patched(patches: Sequence[Patch]) -> Iterator[None]:
    before: list[Patch] = []
    try:
        for target, name, replacement in patches:
            before.append((target, name, getattr(target, name)))
            setattr(target, name, replacement)
        yield
    finally:
        for target, name, original in reversed(before):
            setattr(target, name, original)
