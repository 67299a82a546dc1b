"""users create, list, reset, role, disable: who may sign in to the monitor."""

import sys
from typing import Annotated, Any

import typer

from deploy.cli.models import Json, Who, Why
from deploy.cli.terminal import print_json, print_table, say

users = typer.Typer(help="People who sign in to the monitor, and what they may do.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As in `fraudml users list`.")]
Role = Annotated[str, typer.Option(help="viewer, analyst or admin.")]


@users.command()
def create(name: Name, role: Role = "viewer", who: Who = None, why: Why = "", json: Json = False) -> None:
    """Let somebody sign in. The password is asked for, or read from standard input; never an argument.

    A viewer looks, an analyst decides on cases too, an admin changes what decides and who may sign in.

    [bold]Examples[/]

      fraudml users create ann --role analyst
      pass show fraudml/bob | fraudml users create bob --role admin
    """
    from deploy.jobs.users import created_user
    from streams.settings import read_settings

    made = created_user(read_settings(), name, role, _password(), who=who, why=why)
    _tell(made, json, "user {name} may sign in as {role}")


@users.command("list")
def list_(json: Json = False) -> None:
    """List all who ever could sign in.

    [bold]Examples[/]

      fraudml users list
      fraudml users list --json
    """
    from deploy.jobs.users import listed_users
    from streams.settings import read_settings

    found = listed_users(read_settings())
    if json:
        print_json(found)
        return
    rows = [
        (each["name"], each["role"], each["state"], each["created_at"][:10], each["changed_at"][:10])
        for each in found
    ]
    print_table(("NAME", "ROLE", "STATE", "MADE", "CHANGED"), rows, {"active": "green", "disabled": "red"})


@users.command()
def reset(name: Name, who: Who = None, why: Why = "", json: Json = False) -> None:
    """Give somebody another password, as `create` takes it. Who was disabled may sign in again.

    [bold]Examples[/]

      fraudml users reset ann --why "forgot it"
    """
    from deploy.jobs.users import reset_user
    from streams.settings import read_settings

    changed = reset_user(read_settings(), name, _password(), who=who, why=why)
    _tell(changed, json, "user {name} has another password, and is signed out everywhere")


@users.command()
def role(
    name: Name,
    role: Annotated[str, typer.Argument(help="viewer, analyst or admin.")],
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Give somebody another role.

    [bold]Examples[/]

      fraudml users role ann admin --why "leads the team now"
    """
    from deploy.jobs.users import given_role
    from streams.settings import read_settings

    _tell(given_role(read_settings(), name, role, who=who, why=why), json, "user {name} is {role}")


@users.command()
def disable(name: Name, who: Who = None, why: Why = "", json: Json = False) -> None:
    """Shut somebody out, within five seconds; doing it twice changes nothing.

    [bold]Examples[/]

      fraudml users disable ann --why "has left"
    """
    from deploy.jobs.users import disabled_user
    from streams.settings import read_settings

    _tell(disabled_user(read_settings(), name, who=who, why=why), json, "user {name} is {state}")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def _tell(found: dict[str, Any], json: bool, words: str) -> None:
    if json:
        print_json(found)
    else:
        say(words.format(**found))
