"""What a long command tells while it works. Silent here; deploy/cli/terminal.py speaks."""

import contextlib
from collections.abc import Callable, Iterator


class Report:
    def note(self, text: str) -> None:
        """Something is done, or worth knowing."""

    def waiting(self, text: str) -> None:
        """What is waited for now; replaces the last one."""

    @contextlib.contextmanager
    def progress(self, text: str, steps: int) -> Iterator[Callable[[], None]]:
        """A count towards `steps`; call what is yielded once for each, from any thread."""
        yield lambda: None

    @contextlib.contextmanager
    def counting(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """A count towards `total` in larger steps; call what is yielded with each."""
        yield lambda count: None
