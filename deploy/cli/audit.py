"""audit verify, head, export: what was done, and that nobody has changed it since."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.models import Json
from deploy.cli.terminal import CHECK_FAILED, print_json, say

audit = typer.Typer(help="Who did what and why, and the proof that it stands.", no_args_is_help=True)


@audit.command()
def verify(
    head: Annotated[
        str | None, typer.Option(metavar="HASH", help="A head of before must still be there.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="So must every row of an export.")
    ] = None,
    json: Json = False,
) -> None:
    """Compute the hash of every row anew; exits with 4 and names the first row that is not as it was written.

    Rows that were cut off at the end show only against a head or an export that you have kept elsewhere.

    [bold]Examples[/]

      fraudml audit verify
      fraudml audit verify --head 3f9c0de1...
      fraudml audit verify --export audit-january.jsonl --json
    """
    from deploy.jobs.auditing import verified
    from streams.settings import read_settings

    found = verified(read_settings(), head, export)
    broken = found["broken"]
    if json:
        print_json(found)
    elif broken is None:
        say("{rows:,} rows, each as it was written; the head is {hash}".format(**found))
    if broken is not None:
        row = "the end" if broken["audit_id"] is None else f"row {broken['audit_id']}"
        say(f"{row}: {broken['why']}")
        raise typer.Exit(CHECK_FAILED)


@audit.command()
def head(json: Json = False) -> None:
    """Print the hash of the last row: whoever keeps it elsewhere can prove later that all before it stands.

    [bold]Examples[/]

      fraudml audit head
      fraudml audit head --json >> heads.jsonl
    """
    from deploy.jobs.auditing import told_head
    from streams.settings import read_settings

    found = told_head(read_settings())
    if json:
        print_json(found)
        return
    sys.stdout.write(f"{found['hash']}\n")
    say("{rows:,} rows; the last one is row {audit_id}".format(**found))


@audit.command()
def export(
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Standard output if not given.")] = None,
) -> None:
    """Write every row as JSON, one a line, with its hash and that of the row before.

    Each line proves itself: its hash is that of the bytes of prev_hash and of `row` as it stands there.

    [bold]Examples[/]

      fraudml audit export --out audit-january.jsonl
      fraudml audit export | jq .row.action
    """
    from deploy.jobs.auditing import export_to_file, exported
    from streams.settings import read_settings

    settings = read_settings()
    if out is None:
        found = exported(settings, lambda line: sys.stdout.write(line.decode()))
    else:
        found = export_to_file(settings, out)
    say("{rows:,} rows; the head is {hash}".format(**found))
