"""access: roles and users of the stores, made from the addresses that roles have; and Kafka's rules."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.access.kafka_access import Told
    from streams.settings import Settings

STYLES = {"there": "green", "missing": "red", "undeclared": "yellow"}


def access(
    kafka: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=PRINCIPAL", help="Add Kafka's rules of a role, once for each role."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Change nothing: show Kafka's rules.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --show: print JSON.")] = False,
) -> None:
    """Give each role its rights in your own Postgres, Redis and Kafka, and load our functions into Redis.

    A role is who its address names: DATABASE_URL_WORKER, REDIS_URL_GATEWAY and so on (docs/security.md). It
    is done with the addresses of operators: DATABASE_URL_MIGRATOR or DATABASE_URL, and REDIS_URL. Again it
    changes nothing. A Redis that keeps no ACL file forgets its users when it restarts: do it again then.

    In Kafka a role is the principal that --kafka names. Rules that are missing are added, none is taken away.
    With --show Postgres and Redis are left alone: each rule of the principals is there, missing, or
    undeclared. Without --kafka the rules of all roles are shown, and Kafka is not asked.

    [bold]Examples[/]

      DATABASE_URL=... DATABASE_URL_WORKER=... REDIS_URL=... REDIS_URL_WORKER=... fraudml access
      fraudml access --kafka worker=User:worker --kafka gateway=User:gateway --kafka auditor=User:auditor
      fraudml access --show --json --kafka worker=User:worker
    """
    from deploy.access import kafka_access
    from streams.settings import read_settings

    if json and not show:
        raise typer.BadParameter("--json goes with --show")
    settings = read_settings()
    principals = kafka_access.principals_of(kafka or (), settings)
    if show:
        asked = kafka_access.compared(settings, principals) if principals else kafka_access.declared(settings)
        _print(asked, json)
    else:
        _apply(settings, principals)


def _apply(settings: "Settings", principals: dict[str, str]) -> None:
    from deploy.access import kafka_access, postgres_roles, redis_users
    from deploy.cli.terminal import say

    made = postgres_roles.apply(settings)
    named = [each.user for each in postgres_roles.named_roles(settings)]
    say(f"Postgres: {_listed(named)} with the rights of their roles; new: {_listed(made)}")
    say(f"Redis: functions loaded; {_listed(redis_users.apply(settings))} with the rights of their roles")
    if principals:
        added = kafka_access.add(settings, principals)
        say(f"Kafka: {_listed(list(principals.values()))} with the rules of their roles; new rules: {added}")


def _print(rules: "Sequence[Told]", json: bool) -> None:
    from deploy.cli.terminal import print_json, print_table

    if json:
        print_json([each._asdict() for each in rules])
    else:
        columns = ("ROLE", "PRINCIPAL", "KIND", "NAME", "PATTERN", "OPERATION", "PERMISSION", "STATE")
        print_table(columns, rules, STYLES)


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nobody"
