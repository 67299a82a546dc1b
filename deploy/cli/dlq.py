"""dlq list, show, replay, stopped, allow: what could never be decided."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.models import Json, Who, Why
from deploy.cli.terminal import CHECK_FAILED, print_json, print_line, print_table, say, utc

if TYPE_CHECKING:
    from deploy.jobs.dead_letters import Wanted

dlq = typer.Typer(help="Look at dead letters, and send them again.", no_args_is_help=True)

Topic = Annotated[str | None, typer.Option(help="Of this topic only: transactions or labels.")]
Reason = Annotated[str | None, typer.Option(help="With this reason only.")]
MOMENTS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
Since = Annotated[
    datetime | None,
    typer.Option(formats=MOMENTS, help="Since then, by Kafka's clock; UTC if no zone is given."),
]


@dlq.command("list")
def list_(topic: Topic = None, reason: Reason = None, since: Since = None, json: Json = False) -> None:
    """Count dead letters by topic and reason.

    [bold]Examples[/]

      fraudml dlq list
      fraudml dlq list --topic labels --since 2026-01-31
    """
    from deploy.jobs.dead_letters import count_letters
    from streams.settings import read_settings

    found = count_letters(read_settings(), _wanted(topic, reason, since))
    if json:
        print_json(found)
        return
    names = ("topic", "reason", "letters", "replayed", "first", "last")
    print_table([name.upper() for name in names], [[str(each[name]) for name in names] for each in found], {})


@dlq.command()
def show(
    topic: Topic = None,
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
) -> None:
    """Print dead letters as JSON, one a line: why, where from, and the shape of the payload.

    Ids, amounts and texts are masked.

    [bold]Examples[/]

      fraudml dlq show --reason invalid_value --limit 5
    """
    from deploy.jobs.dead_letters import shown_letters
    from streams.settings import read_settings

    for letter in shown_letters(read_settings(), _wanted(topic, reason, since), limit):
        print_line(letter)


@dlq.command()
def replay(
    topic: Topic = None,
    reason: Reason = None,
    since: Since = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also what was sent before and has been refused again.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many would be sent.")] = False,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Send dead letters to their topic again, with their original key and bytes; each of them once.

    For when what refused them has been mended, or they wait for a newer version. Running it twice changes
    nothing: what was sent is noted in the ledger, and an id is decided once. Sent too early they are refused
    again: --again sends them once more.

    [bold]Examples[/]

      fraudml dlq replay --dry-run
      fraudml dlq replay --reason currency --since 2026-01-31 --why "the till is mended"
      fraudml dlq replay --reason event_time_ahead --again
    """
    from deploy.jobs.dead_letters import replay_letters
    from streams.settings import read_settings

    wanted = _wanted(topic, reason, since)
    found = replay_letters(read_settings(), wanted, again=again, dry_run=dry_run, who=who, why=why)
    if json:
        print_json(found)
    elif dry_run:
        say("{would_send:,} would be sent, {passed_over:,} were sent before".format(**found))
    else:
        say("{sent:,} sent, {passed_over:,} were sent before".format(**found))


@dlq.command()
def stopped(json: Json = False) -> None:
    """List partitions that a flood of malformed records has stopped; exits with 4 if there is one.

    [bold]Examples[/]

      fraudml dlq stopped
    """
    from deploy.jobs.poison import stopped_partitions
    from streams.settings import read_settings

    found = stopped_partitions(read_settings())
    if json:
        print_json(found)
    elif found:
        names = ("topic", "partition", "offset", "waiting", "reason", "detail")
        rows = [[str(each[name]) for name in names] for each in found]
        print_table([name.upper() for name in names], rows, {})
    else:
        say("no partition is stopped")
    if found:
        raise typer.Exit(CHECK_FAILED)


@dlq.command()
def allow(
    topic: Annotated[str, typer.Option(help="transactions or labels.")],
    partition: Annotated[int, typer.Option(min=0)],
    until: Annotated[
        int | None, typer.Option(min=1, metavar="OFFSET", help="Up to there; what is there now if not given.")
    ] = None,
    who: Who = None,
    why: Why = "",
) -> None:
    """Let a stopped partition go on: its malformed records become dead letters, however many they are.

    For when you have looked at them, and the producer is mended. The worker goes on within seconds.

    [bold]Examples[/]

      fraudml dlq allow --topic transactions --partition 3
      fraudml dlq allow --topic transactions --partition 3 --until 81234
    """
    from deploy.jobs.poison import allow_poison
    from streams.settings import read_settings

    reached = allow_poison(read_settings(), topic, partition, until, who=who, why=why)
    say(f"{topic} partition {partition} goes on; malformed records below offset {reached:,} pass")


def _wanted(topic: str | None, reason: str | None, since: datetime | None) -> "Wanted":
    from deploy.jobs.dead_letters import Wanted

    return Wanted(topic, reason, utc(since))
