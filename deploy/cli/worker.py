"""worker: one worker in the foreground."""

import os
from typing import Annotated

import typer


def worker(
    slot: Annotated[
        int | None,
        typer.Option(min=0, help="Which worker this is, two may not have the same one; FRAUDML_SLOT."),
    ] = None,
) -> None:
    """Run one worker here, until it is told to stop; `fraudml up` runs them for you.

    SIGTERM lets it finish its sweep and commit; it then exits with 0, within 22 s.

    [bold]Examples[/]

      fraudml worker
      fraudml worker --slot 1
      faust -A streams.worker worker --without-web
    """
    if slot is not None:
        os.environ["FRAUDML_SLOT"] = str(slot)
    from streams.run import run_worker

    run_worker()
