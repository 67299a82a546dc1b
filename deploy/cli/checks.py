"""reconcile, migrate: the ledger, checked and brought up to date."""

from typing import Annotated, Any

import typer

from deploy.cli.terminal import CHECK_FAILED, print_json, print_table, reporting, say


def reconcile(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check that topics, ledger, alerts and histories agree; exits with 4 when they do not.

    It may run while transactions go through: it checks what must be true already.

    [bold]Examples[/]

      fraudml reconcile
      fraudml reconcile --json
    """
    from deploy.jobs.reconciling import reconcile_stores
    from streams.settings import read_settings

    with reporting() as report:
        found = reconcile_stores(read_settings(), report)
    if json:
        print_json(found)
    else:
        _show(found)
    if found["findings"]:
        raise typer.Exit(CHECK_FAILED)


def _show(found: dict[str, Any]) -> None:
    rows = [
        (name, f"{check['checked']:,}", "ok" if not check["findings"] else f"{check['findings']:,} findings")
        for name, check in found["checks"].items()
    ]
    print_table(("CHECK", "LOOKED AT", "RESULT"), rows, {"ok": "green"})
    for check in found["checks"].values():
        for line in check["first"]:
            say(line)


def migrate() -> None:
    """Bring your own Postgres and Kafka to what this version needs: schema and topics.

    `fraudml up` does it for those it starts.

    [bold]Examples[/]

      DATABASE_URL=postgresql://... KAFKA_BOOTSTRAP_SERVERS=... fraudml migrate
    """
    from deploy import migrations
    from deploy.stack.kafka_topics import ensure
    from streams.settings import masked, read_settings
    from streams.topics import topics

    settings = read_settings()
    migrations.upgrade(settings)
    say(f"{masked(settings.database_url)} has schema {migrations.head()}")
    ensure(settings.kafka_bootstrap_servers, settings)
    names = ", ".join(topic.name for topic in topics(settings))
    say(f"{settings.kafka_bootstrap_servers} has the topics {names}")
