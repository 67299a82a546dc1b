"""bench all: the others one after the other, and the page of what they find."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.terminal import FAILED, reporting, say

everything = typer.Typer()

# Documents that a page in docs/ is made from.
FOLDER = Path("docs/benchmarks")


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
    docs: Annotated[Path, typer.Option(help="Where benchmarks.md and its pictures go.")] = Path("docs"),
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
    from deploy.jobs.bench_all import chosen, quiet, run_all, write_page

    wanted = _names(only or "")
    if only is not None and not wanted:
        raise typer.BadParameter("no benchmark is named", param_hint="--only")
    names = chosen(wanted, _names(skip))
    if run and short and folder == FOLDER:
        raise typer.BadParameter(
            f"its figures mean nothing, and would replace those in {FOLDER}: give --folder and --docs",
            param_hint="--short",
        )
    became = {}
    if run:
        with reporting() as report:
            became = run_all(names, folder, short, report, lambda: quiet(report))
    say(f"written: {write_page(folder, docs)}")
    if any(word.startswith("failed") for word in became.values()):
        raise typer.Exit(FAILED)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
