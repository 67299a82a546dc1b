"""archive, archive list, archive query: decisions that have left the ledger by age."""

from datetime import UTC, date, datetime
from itertools import islice
from typing import Annotated, Any, Literal

import typer

from deploy.cli.models import Json, Who, Why
from deploy.cli.terminal import print_json, print_line, print_table, reporting, say

MEBIBYTE = 1 << 20
# As models.decision.Verdict, which a help need not load.
Decision = Literal["approve", "review", "decline"]

archive = typer.Typer(no_args_is_help=False, invoke_without_command=True)


@archive.callback()
def take(
    ctx: typer.Context,
    to: Annotated[str, typer.Option(metavar="PLACE", help="A folder, or s3://bucket/prefix.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would leave.")] = False,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Move decisions older than FRAUDML_KEEP_DECISIONS_DAYS out of the ledger, whole months at a time.

    Each month becomes a Parquet file below PLACE, read back before anything is deleted; killed at any point,
    the next run goes on. Without the setting nothing leaves. docs/retention.md tells what stays.

    [bold]Examples[/]

      fraudml archive --to /var/archive --dry-run
      fraudml archive --to s3://archive/fraud --json
      fraudml archive list
      fraudml archive query --month 2026-01 --decision decline
    """
    if ctx.invoked_subcommand is not None:
        return
    from deploy.jobs.archiving import Orders
    from deploy.jobs.archiving import archive as archive_months
    from models.errors import Misuse
    from streams.settings import read_settings

    if not to:
        raise Misuse("there is no place to archive to", next_step="fraudml archive --to FOLDER")
    with reporting() as report:
        orders = Orders(to, datetime.now(UTC), dry_run, who, why)
        found = archive_months(read_settings(), orders, report)
    if json:
        print_json({**found, "dry_run": dry_run})
        return
    for each in found["archived"]:
        _say_month(each, dry_run)
    if not found["archived"]:
        say("no month leaves")


def _say_month(month: dict[str, Any], dry_run: bool) -> None:
    if dry_run:
        say(f"{month['month']} would leave: {month['rows']:,} decisions")
        return
    size = month["bytes"] / MEBIBYTE
    where = f"{month['file']} in {month['place']}"
    say(f"{month['month']}: {month['moved']:,} decisions have left, {where}, {size:,.1f} MiB")


@archive.command("list")
def list_months(json: Json = False) -> None:
    """Show which months have left the ledger, and where their files lie.

    [bold]Examples[/]

      fraudml archive list
      fraudml archive list --json
    """
    import msgspec

    from deploy.jobs.archiving import listed
    from streams.settings import read_settings

    found = listed(read_settings())
    if json:
        print_json([msgspec.to_builtins(each._asdict()) for each in found])
        return
    rows = [
        [
            f"{each.month:%Y-%m}",
            f"{each.rows:,}",
            f"{each.bytes / MEBIBYTE:,.1f}",
            "left" if each.finished_at else "leaving",
            f"{each.place}/{each.file}",
        ]
        for each in found
    ]
    print_table(["MONTH", "ROWS", "MIB", "STATE", "FILE"], rows, {})


@archive.command("query")
def query(
    month: Annotated[
        list[str] | None, typer.Option("--month", metavar="YYYY-MM", help="May be given again; all if not.")
    ] = None,
    transaction_id: Annotated[str | None, typer.Option("--id", help="Of one transaction.")] = None,
    customer_id: Annotated[str | None, typer.Option("--customer")] = None,
    terminal_id: Annotated[str | None, typer.Option("--terminal")] = None,
    decision: Annotated[Decision | None, typer.Option("--decision")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 1000,
) -> None:
    """Print archived decisions with everything that stood in their rows, one JSON line each.

    [bold]Examples[/]

      fraudml archive query --id tx-1
      fraudml archive query --month 2026-01 --customer c-17
    """
    from deploy.jobs.asking_archive import found
    from streams.settings import read_settings

    asked = {
        "transaction_id": transaction_id,
        "customer_id": customer_id,
        "terminal_id": terminal_id,
        "decision": decision,
    }
    wanted = {name: value for name, value in asked.items() if value is not None}
    with reporting() as report:
        rows = found(read_settings(), [_month(each) for each in month or ()], wanted, report)
        for document in islice(rows, limit):
            print_line(document)
        if next(rows, None) is not None:
            report.note(f"there are more than these {limit:,}: --limit")


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise typer.BadParameter(f"{text} is no month; write it as 2026-01") from None
