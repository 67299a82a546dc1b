"""reconcile, migrate: the ledger, checked and brought up to date."""

from datetime import datetime
from typing import Annotated, Any

import typer

from deploy.cli.dlq import MOMENTS
from deploy.cli.terminal import CHECK_FAILED, print_json, print_table, reporting, say, utc

Since = Annotated[
    datetime | None,
    typer.Option(formats=MOMENTS, help="Records since then, by Kafka's clock; UTC if no zone is given."),
]
Until = Annotated[datetime | None, typer.Option(formats=MOMENTS, help="Records before then.")]
Every = Annotated[
    float | None,
    typer.Option(min=1, metavar="SECONDS", help="Go on for ever: so long after each look the next one."),
]
HistoriesEvery = Annotated[
    float, typer.Option(min=1, metavar="SECONDS", help="With --every: compare all histories so often.")
]


def reconcile(
    since: Since = None,
    until: Until = None,
    every: Every = None,
    histories_every: HistoriesEvery = 3600,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check that topics, ledger, alerts and histories agree; exits with 4 when they do not.

    It may run while transactions go through: it checks what must be true already. With --every each look goes
    on where the last clean one has ended, what was found is logged and counted, and Ctrl-C ends it.

    [bold]Examples[/]

      fraudml reconcile
      fraudml reconcile --since 2026-01-31 --until 2026-02-01T12:00:00+0100 --json
      fraudml reconcile --every 60
    """
    from deploy.jobs.reconciling import reconcile_stores, watch_stores
    from streams.reconcile.range import Range
    from streams.reconcile.watch import Pace
    from streams.settings import read_settings

    if every is not None:
        if until is not None or json:
            raise typer.BadParameter("--every goes with --since and --histories-every only")
        watch_stores(read_settings(), Pace(every, histories_every), utc(since))
        return
    if since is not None and until is not None and utc(since) >= utc(until):  # type: ignore[operator]
        raise typer.BadParameter("--until must be later than --since")
    with reporting() as report:
        found = reconcile_stores(read_settings(), report, Range(utc(since), utc(until)))
    if json:
        print_json(found)
    else:
        _show(found)
    for check in found["checks"].values():
        for line in check["first"]:
            say(line)
    if found["findings"]:
        raise typer.Exit(CHECK_FAILED)


def _show(found: dict[str, Any]) -> None:
    rows = [
        (name, f"{check['checked']:,}", "ok" if not check["findings"] else f"{check['findings']:,} findings")
        for name, check in found["checks"].items()
    ]
    print_table(("CHECK", "LOOKED AT", "RESULT"), rows, {"ok": "green"})
    if found["records"]:
        say("{reconciled_ratio:.4%} of {records:,} records are proven".format(**found))
    else:
        say("there is no record in this range")


def migrate() -> None:
    """Bring your own Postgres and Kafka to what this version needs: schema and topics.

    `fraudml up` does it for those it starts.

    [bold]Examples[/]

      DATABASE_URL=postgresql://... KAFKA_BOOTSTRAP_SERVERS=... fraudml migrate
    """
    from deploy import migrations
    from deploy.stack.kafka_topics import ensure
    from streams.kinds_of_settings import masked
    from streams.settings import read_settings
    from streams.topics import topics

    settings = read_settings()
    migrations.upgrade(settings)
    say(f"{masked(settings.database_url)} has schema {migrations.head()}")
    ensure(settings.kafka_bootstrap_servers, settings)
    names = ", ".join(topic.name for topic in topics(settings))
    say(f"{settings.kafka_bootstrap_servers} has the topics {names}")
