"""rebuild: the histories in Redis, made anew from the ledger."""

from typing import Annotated

import typer

from deploy.cli.terminal import print_json, reporting, say


def rebuild(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Make the histories in Redis anew from the ledger, while workers go on.

    Workers do it by themselves when Redis has lost something; this is for when you doubt what it holds. They
    pause until it is whole. Safe to run twice, and beside workers that heal the same.

    [bold]Examples[/]

      fraudml rebuild
      fraudml rebuild --json
    """
    from deploy.jobs.rebuilding import rebuild_view
    from streams.settings import read_settings

    with reporting() as report:
        found = rebuild_view(read_settings(), report)
    if json:
        print_json(found)
    else:
        say("{records:,} records in {seconds:.1f} s, {records_per_s:,.0f} a second".format(**found))
