"""How commands speak: data on stdout, words on stderr, errors as one line, exit codes that mean something."""

import io
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import MofNCompleteColumn, Progress
from rich.status import Status
from rich.table import Table
from rich.text import Text

from deploy.stack.errors import NotRunning
from deploy.stack.report import Report
from models.errors import FraudError, Unavailable

FAILED, USAGE, NOT_RUNNING, CHECK_FAILED, INTERRUPTED = 1, 2, 3, 4, 130

WIDE = 10_000

words = Console(stderr=True, highlight=False, soft_wrap=True)


def exit_code(error: FraudError) -> int:
    return NOT_RUNNING if isinstance(error, NotRunning | Unavailable) else FAILED


def utc(moment: datetime | None) -> datetime | None:
    """A moment as it was given; in UTC if no zone was."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def say(text: str) -> None:
    words.print(escape(text))


def fail(error: FraudError) -> NoReturn:
    words.print(f"[bold red]error[/]: {escape(str(error))}")
    raise typer.Exit(exit_code(error))


class FraudmlGroup(typer.core.TyperGroup):
    """Turns errors that have a name into one line and an exit code; --debug shows where they came from."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except FraudError as error:
            if ctx.params.get("debug"):
                raise
            fail(error)
        except BrokenPipeError:
            # Whoever read our output has seen enough; what is left of it has nowhere to go.
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            raise typer.Exit(FAILED) from None
        except (OSError, UnicodeError) as error:
            if ctx.params.get("debug"):
                raise
            fail(FraudError(f"{type(error).__name__}: {error}"))


def print_json(data: object) -> None:
    sys.stdout.write(json.dumps(data, indent=2) + "\n")


def print_line(data: object) -> None:
    """One JSON document a line, as soon as it is known."""
    sys.stdout.write(json.dumps(data) + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], styles: Mapping[str, str]) -> None:
    """A table for eyes; a cell that is one of the keys of `styles` is coloured."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=styles.get(cell, "")) for cell in row))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
        return
    # Folded to the width of a terminal only where there is one.
    plain = Console(highlight=False, width=WIDE, file=io.StringIO())
    with plain.capture() as text:
        plain.print(table)
    sys.stdout.writelines(line.rstrip() + "\n" for line in text.get().splitlines())


class TerminalReport(Report):
    """Notes as lines, what is waited for as a spinner that is only there on a terminal."""

    def __init__(self) -> None:
        self._status: Status | None = None

    def note(self, text: str) -> None:
        say(text)

    def waiting(self, text: str) -> None:
        if not words.is_terminal:
            return
        if self._status is None:
            self._status = words.status(escape(text))
            self._status.start()
        self._status.update(escape(text))

    @contextmanager
    def progress(self, text: str, steps: int) -> Iterator[Callable[[], None]]:
        self.close()
        if not words.is_terminal:
            say(f"{text} ({steps} files)")
            yield lambda: None
            return
        with Progress(console=words, transient=True) as bar:
            task = bar.add_task(text, total=steps)
            yield lambda: bar.advance(task)

    @contextmanager
    def counting(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        self.close()
        with Progress(
            *Progress.get_default_columns(),
            MofNCompleteColumn(),
            console=words,
            transient=True,
            disable=not words.is_terminal,
        ) as bar:
            task = bar.add_task(text, total=total)
            yield lambda count: bar.advance(task, count)

    def close(self) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None


@contextmanager
def reporting() -> Iterator[TerminalReport]:
    report = TerminalReport()
    try:
        yield report
    finally:
        report.close()
