"""bench all: the others one after the other, and the page of what they find."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.terminal import FAILED, reporting, say

everything = typer.Typer()

# Where the page of a checkout is, and the documents that it is made from.
DOCS = Path("docs")
FOLDER = DOCS / "benchmarks"


@everything.command("all")
def bench_all(
    only: Annotated[
        str | None, typer.Option(help="Names, with commas; soak, of an hour, runs by its name alone.")
    ] = None,
    skip: Annotated[str, typer.Option(help="Names, with commas.")] = "",
    short: Annotated[
        bool, typer.Option("--short", help="Each as short as it can be: to see that it runs, not how fast.")
    ] = False,
    folder: Annotated[Path, typer.Option(help="Where each one's JSON is kept.")] = FOLDER,
    docs: Annotated[Path, typer.Option(help="Where benchmarks.md and its pictures go.")] = DOCS,
    run: Annotated[bool, typer.Option("--run/--no-run", help="Or make the page from what is kept.")] = True,
) -> None:
    """Run throughput, latency, rest, scale, state, peers, guarantee and recovery; write docs/benchmarks.md.

    Takes about an hour and a half. What was measured before and is not again stays on the page; what never
    was is named there. Exits with 1 if one of them failed.

    [bold]Examples[/]

      fraudml bench all
      fraudml bench all --only latency,soak
      fraudml bench all --short --folder /tmp/short --docs /tmp/short
      fraudml bench all --no-run
    """
    from deploy.jobs.bench_all import chosen, run_all, until_quiet, write_page

    names = chosen(None if only is None else _names(only), _names(skip))
    became = {}
    if run:
        _refuse_to_publish(short, folder, docs)
        with reporting() as report:
            became = run_all(names, folder, short, report, lambda: until_quiet(report))
    say(f"written: {write_page(folder, docs)}")
    if any(word.startswith("failed") for word in became.values()):
        raise typer.Exit(FAILED)


def _refuse_to_publish(short: bool, folder: Path, docs: Path) -> None:
    published = {DOCS.resolve(), FOLDER.resolve()}
    if short and published & {folder.resolve(), docs.resolve()}:
        raise typer.BadParameter(
            f"its figures mean nothing, and would stand in {DOCS}: give --folder and --docs",
            param_hint="--short",
        )


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
