"""backup, verify, restore: what cannot be had again, copied and put back."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.models import Json, Who, Why
from deploy.cli.terminal import print_json, reporting, say

MEBIBYTE = 1 << 20

Backup = Annotated[str, typer.Argument(help="A folder, or s3://bucket/prefix/name.")]


def backup(
    to: Annotated[str, typer.Option(metavar="PLACE", help="A folder, or s3://bucket/prefix.")],
    encrypt_to: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="Encrypt to these public keys of age.")
    ] = None,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Copy ledger, registry and models into a folder of their own below PLACE, while everything goes on.

    The ledger is as it was at one moment. Secrets are not in it: keep them elsewhere. Its address goes to
    stdout. docs/backup.md tells what is needed, and how often to do it.

    [bold]Examples[/]

      fraudml backup --to /var/backups
      fraudml backup --to s3://backups/fraud --encrypt-to public-keys.txt --json
    """
    from deploy.jobs.backing_up import back_up
    from streams.settings import read_settings

    with reporting() as report:
        made = back_up(read_settings(), to, encrypt_to, report, who=who, why=why)
    found = made.document()
    if json:
        print_json(found)
        return
    for each in found["left_out"]:
        say(f"not in it: {each}")
    size = found["bytes"] / MEBIBYTE
    say(f"{found['rows']['decisions']:,} decisions, {size:,.1f} MiB, {found['took_s']:.1f} s")
    typer.echo(found["backup"])


def verify(backup: Backup, json: Json = False) -> None:
    """Read a backup whole, and prove that it is what was written. Needs no key and no store.

    [bold]Examples[/]

      fraudml verify /var/backups/fraudml-20260131T020000Z
      fraudml verify s3://backups/fraud/fraudml-20260131T020000Z --json
    """
    from deploy.jobs.backing_up import verify_backup

    with reporting() as report:
        found = verify_backup(backup, report).document()
    if json:
        print_json(found)
        return
    say(
        f"whole: {found['rows']['decisions']:,} decisions as of {found['taken_at']}, "
        f"schema {found['schema']}, {found['bytes'] / MEBIBYTE:,.1f} MiB"
    )


def restore(
    backup: Backup,
    new_log: Annotated[
        bool, typer.Option("--new-log", help="Kafka's topics are lost too, and were made anew.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="The ledger that is there is put aside, under another name."),
    ] = False,
    identity: Annotated[
        Path | None, typer.Option(metavar="KEYFILE", help="Secret keys of age, of an encrypted backup.")
    ] = None,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Put a backup back, while workers and gateways are stopped.

    Everything is checked, and filled beside the live ledger, before that is touched. The restored ledger has
    a new id, so workers rebuild the histories; they read the log again from where the backup was. Alerts that
    were out already come again under the same alert_id.

    [bold]Examples[/]

      fraudml up --workers 0
      fraudml restore /var/backups/fraudml-20260131T020000Z
      fraudml restore s3://backups/fraud/fraudml-20260131T020000Z --new-log --identity key.txt
    """
    from deploy.jobs.restoring import Orders, restore
    from streams.settings import read_settings

    with reporting() as report:
        orders = Orders(backup, identity, new_log, replace, who, why)
        found = restore(read_settings(), orders, report)
    if json:
        print_json(found)
        return
    _say_restored(found)


def _say_restored(found: dict[str, Any]) -> None:
    say(f"{', '.join(found['put_back'])} as of {found['taken_at']}")
    say(f"recovery time: {found['seconds']:.1f} s for this restore")
    if found["kept_aside"]:
        say(f"what was there is the database {found['kept_aside']}; drop it when nobody needs it")
    for topic, records in found["read_again"].items():
        say(f"{topic}: workers read up to {records:,} records again; what was sent for them comes twice")
    if found["lost"]:
        _say_lost(found["lost"])
    say("Next: start the workers, then fraudml reconcile")


def _say_lost(lost: dict[str, Any]) -> None:
    since = f"in the {lost['seconds']:,} s since {lost['since']}"
    say(f"lost: what was accepted {since}, unless producers send it again")
    for topic, records in lost["waiting_at_the_backup"].items():
        say(f"lost: up to {records:,} records of {topic} that waited when the backup was made")
    if lost["decided_since"] is None:
        before = lost["decided_in_the_hour_before"]
        say(f"how much was decided since is not known; in the hour before it were {before:,}")
    else:
        say(
            f"lost from the ledger: {lost['decided_since']:,} decisions made since; kept aside, as said above"
        )
