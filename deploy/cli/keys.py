"""keys create, list, rotate, revoke: who may ask the gateway for what."""

import sys
from typing import Annotated, Any

import typer

from deploy.cli.models import Json, Who, Why
from deploy.cli.terminal import print_json, print_table, say

keys = typer.Typer(help="Keys of the gateway, and what they open.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(help="As in `fraudml keys list`; the third part of the key.")]


@keys.command()
def create(
    owner: Annotated[str, typer.Option(help="Whose it is.", show_default=False)],
    name: Annotated[str, typer.Option(help="What the owner calls it.", show_default=False)],
    scope: Annotated[
        list[str] | None,
        typer.Option(metavar="SCOPE", help="What it opens; may be given several times."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Requests in any minute.")] = 100,
    expires_days: Annotated[
        int | None, typer.Option(min=1, help="Days that it lives; no end if none.")
    ] = None,
    env: Annotated[str, typer.Option(help="A word in the key that tells what it is for.")] = "live",
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Make a key. It is printed once, to stdout, and kept nowhere.

    Scopes: score:write, decisions:read (these two if none is given), labels:write, reviews:write,
    models:admin, keys:admin, stats:read, audit:read,
    letters:read, letters:admin, users:act, users:vouch.

    [bold]Examples[/]

      fraudml keys create --owner shop --name till
      fraudml keys create --owner ops --name console --scope keys:admin --scope stats:read --expires-days 90
    """
    from deploy.jobs.keys import created_key
    from models.scopes import DEFAULT_SCOPES
    from streams.settings import read_settings

    made = created_key(
        read_settings(),
        env=env,
        owner=owner,
        name=name,
        scopes=[*(scope or DEFAULT_SCOPES)],
        limit_per_minute=limit,
        expires_days=expires_days,
        who=who,
        why=why,
    )
    _tell(made, json)


@keys.command("list")
def list_(json: Json = False) -> None:
    """List all keys there ever were, oldest first. None can be written anew from what is shown.

    [bold]Examples[/]

      fraudml keys list
      fraudml keys list --json
    """
    from deploy.jobs.keys import listed_keys
    from streams.settings import read_settings

    found = listed_keys(read_settings())
    if json:
        print_json(found)
        return
    rows = [
        (
            each["key_id"],
            each["owner"],
            each["name"],
            each["state"],
            f"...{each['last_four']}",
            " ".join(each["scopes"]),
            str(each["limit_per_minute"]),
            _minute(each["created_at"]),
            _minute(each["expires_at"]),
        )
        for each in found
    ]
    names = ("KEY ID", "OWNER", "NAME", "STATE", "LAST FOUR", "SCOPES", "A MINUTE", "MADE", "EXPIRES")
    print_table(names, rows, {"live": "green", "revoked": "red", "expired": "dim"})


@keys.command()
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(min=0, help="How long the old one still lives.")] = 24,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Make a second key of the same owner, name and scopes, and let the old one expire.

    [bold]Examples[/]

      fraudml keys rotate 2hV15OzUeZ7
      fraudml keys rotate 2hV15OzUeZ7 --overlap-hours 1 --why "left in a log"
    """
    from deploy.jobs.keys import rotated_key
    from streams.settings import read_settings

    made = rotated_key(read_settings(), key_id, overlap_hours=overlap_hours, who=who, why=why)
    _tell(made, json)
    if not json:
        old = made["rotated"]
        say(f"key {old['key_id']} lives until {_minute(old['expires_at'])}")


@keys.command()
def revoke(key_id: KeyId, who: Who = None, why: Why = "", json: Json = False) -> None:
    """End a key for good. Gateways shut to it within five seconds; doing it twice changes nothing.

    [bold]Examples[/]

      fraudml keys revoke 2hV15OzUeZ7 --why "the laptop was stolen"
    """
    from deploy.jobs.keys import revoked_key
    from streams.settings import read_settings

    ended = revoked_key(read_settings(), key_id, who=who, why=why)
    if json:
        print_json(ended)
    else:
        say("key {key_id} of {owner} ({name}) is revoked".format(**ended))


def _tell(made: dict[str, Any], json: bool) -> None:
    if json:
        print_json(made)
        return
    # Alone on stdout, so that a shell can take it.
    sys.stdout.write(f"{made['key']}\n")
    say("key {key_id} of {owner} ({name}): {opens}".format(**made, opens=", ".join(made["scopes"])))
    say("this is the only time that it is shown")


def _minute(moment: str | None) -> str:
    return "" if moment is None else f"{moment[:16]}Z"
