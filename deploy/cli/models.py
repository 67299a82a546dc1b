"""models list, show, promote, rollback, verify: what the registry holds, and what decides."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from deploy.cli.terminal import print_json, print_table, reporting, say

models = typer.Typer(help="Look at registered models, and choose which of them decide.", no_args_is_help=True)

Alias = StrEnum("Alias", ["champion", "challenger"])
Name = Annotated[str, typer.Argument(help="FraudDetection_XGBoost or FraudDetection_LightGBM.")]
AliasOption = Annotated[
    Alias | None, typer.Option(help="Whose place; that of the model's variant in the split if not given.")
]
Who = Annotated[str | None, typer.Option(help="Who does it; your account's name if not given.")]
Why = Annotated[str, typer.Option(help="Kept in the ledger's audit table.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@models.command("list")
def list_(json: Json = False) -> None:
    """List all versions, newest first.

    [bold]Examples[/]

      fraudml models list
    """
    from deploy.jobs.models import listed_models
    from streams.settings import read_settings

    found = listed_models(read_settings())
    if json:
        print_json(found)
        return
    rows = [
        (
            each["name"],
            each["version"],
            ", ".join(each["aliases"]),
            each["params"].get("start", ""),
            each["params"].get("end", ""),
            each["params"].get("rows", ""),
            each["created"],
        )
        for each in found
    ]
    print_table(("MODEL", "VERSION", "IS", "FROM", "TO", "ROWS", "REGISTERED"), rows, {})


@models.command()
def show(name: Name, json: Json = False) -> None:
    """Show one model: its versions, and who promoted what when and why.

    [bold]Examples[/]

      fraudml models show FraudDetection_XGBoost --json
    """
    from deploy.jobs.models import shown_model
    from streams.settings import read_settings

    found = shown_model(read_settings(), name)
    if json:
        print_json(found)
        return
    rows = [
        (each["when"], each["who"], each["alias"], each["before"] or "", each["after"], each["why"])
        for each in found["promotions"]
    ]
    print_table(("WHEN", "WHO", "PLACE", "FROM", "TO", "WHY"), rows, {})


@models.command()
def promote(
    name: Name,
    version: Annotated[str | None, typer.Option(help="Which version; the newest if not given.")] = None,
    alias: AliasOption = None,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Let a version decide. Workers verify it and take it between two sweeps, within seconds.

    [bold]Examples[/]

      fraudml models promote FraudDetection_XGBoost --why "better on August"
      fraudml models promote FraudDetection_LightGBM --version 3
    """
    from deploy.jobs.models import promote_model
    from streams.settings import read_settings

    with reporting() as report:
        report.waiting("promoting")
        made = promote_model(read_settings(), name, alias, version, who=who, why=why, report=report)
    _say(made, json)


@models.command()
def rollback(
    name: Name, alias: AliasOption = None, who: Who = None, why: Why = "", json: Json = False
) -> None:
    """Put back the version that stood in that place before; once more undoes it.

    [bold]Examples[/]

      fraudml models rollback FraudDetection_XGBoost --why "alerts doubled"
    """
    from deploy.jobs.models import roll_back_model
    from streams.settings import read_settings

    with reporting() as report:
        report.waiting("rolling back")
        made = roll_back_model(read_settings(), name, alias, who=who, why=why, report=report)
    _say(made, json)


@models.command()
def verify(name: Name, alias: AliasOption = None, json: Json = False) -> None:
    """Fetch what stands behind an alias and let it prove itself, as workers do.

    [bold]Examples[/]

      fraudml models verify FraudDetection_XGBoost
    """
    from deploy.jobs.models import verified_model
    from streams.settings import read_settings

    with reporting() as report:
        report.waiting("fetching and verifying it in a process of its own")
        found = verified_model(read_settings(), name, alias, report)
    if json:
        print_json(found)
    else:
        say("{name} version {version} is what was registered: {sha256}".format(**found))


def _say(made: dict[str, Any], json: bool) -> None:
    if json:
        print_json(made)
    else:
        say("{name}: version {after} is {alias}, in place of {before}".format(**made))
