"""score, decisions get, export decisions, alerts: what was decided."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from deploy.cli.terminal import CHECK_FAILED, print_json, print_line, reporting, say

decisions = typer.Typer(help="Look up decisions.", no_args_is_help=True)
export = typer.Typer(help="Write what the ledger holds to a file.", no_args_is_help=True)


def score(
    file: Annotated[str, typer.Argument(help="One JSON transaction a line; - reads standard input.")],
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for each decision.")] = 30.0,
) -> None:
    """Send transactions through Kafka and print their decisions, one JSON line each, in order.

    A transaction that can never be decided gives its reason instead, and the command exits with 4.

    [bold]Examples[/]

      fraudml score transactions.ndjson
      echo '{"transaction_id": "tx-1", ...}' | fraudml score -
    """
    from deploy.jobs.scoring import score_lines
    from models.errors import BadFile
    from streams.settings import read_settings

    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise BadFile(f"{file} cannot be read", why=error.strerror or str(error)) from None
    lines = [line for line in raw.splitlines() if line.strip()]
    if not lines:
        raise BadFile(f"{file} holds no transaction", next_step="give one JSON document a line")
    refused = 0
    for document in score_lines(read_settings(), lines, timeout):
        print_line(document)
        refused += "dead_letter" in document
    if refused:
        say(f"{refused} of {len(lines)} were set aside as dead letters")
        raise typer.Exit(CHECK_FAILED)


@decisions.command("get")
def get(transaction_id: Annotated[str, typer.Argument(help="The transaction's id.")]) -> None:
    """Print the decision on one transaction, as JSON; also when its row has left for the archive.

    [bold]Examples[/]

      fraudml decisions get tx-1
    """
    import msgspec

    from deploy.jobs.connections import ledger_of
    from models.decision import decision_of
    from models.errors import NotFound
    from streams.settings import read_settings

    with ledger_of(read_settings()) as ledger:
        found = ledger.decision(transaction_id)
        left = None if found else ledger.archived(transaction_id)
    if left is not None:
        say(f"archived with {left.month:%Y-%m}; its transaction: fraudml archive query --id {transaction_id}")
        print_json(msgspec.to_builtins(left.decision))
        return
    if found is None:
        raise NotFound(
            f"there is no decision on {transaction_id}",
            why="it has not come, waits in Kafka, or became a dead letter",
            next_step="fraudml status",
        )
    print_json(msgspec.to_builtins(decision_of(found)))


@export.command("decisions")
def export_decisions(
    out: Annotated[Path, typer.Option("--out", help="File to write: .parquet, .csv or .csv.gz.")],
) -> None:
    """Write every decision to a file, with each stored feature in a column of its name.

    [bold]Examples[/]

      fraudml export decisions --out decisions.parquet
    """
    from deploy.jobs.exporting import export_decisions
    from streams.settings import read_settings

    with reporting() as report:
        report.waiting(f"writing {out}")
        rows = export_decisions(read_settings(), out)
    say(f"{rows:,} decisions in {out}")


def alerts(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones; Ctrl-C ends.")] = False,
) -> None:
    """Print the alerts, one JSON line each, as a subscriber that reads committed records sees them.

    [bold]Examples[/]

      fraudml alerts
      fraudml alerts --follow
    """
    from deploy.jobs.connections import log_of
    from streams.settings import read_settings

    settings = read_settings()
    with log_of(settings) as log:
        ends = {number: last for number, (_, last) in log.ends(settings.alerts_topic).items()}
        for batch in log.read(settings.alerts_topic, ends):
            for message in batch:
                typer.echo(message.value())
        if follow:
            for message in log.follow(settings.alerts_topic, starts=ends):
                typer.echo(message.value())
