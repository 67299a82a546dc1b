"""ab show, set, report: which model decides for which share of the customers."""

from datetime import datetime
from typing import Annotated, Any

import typer

from deploy.cli.dlq import MOMENTS
from deploy.cli.files import Json
from deploy.cli.models import Who, Why
from deploy.cli.policy import CostsFile, Version, say_activated
from deploy.cli.terminal import print_json, print_table, reporting, say, utc

ab = typer.Typer(help="The split of customers between models.", no_args_is_help=True)

Weights = Annotated[
    list[str], typer.Option("--weight", metavar="VARIANT=SHARE", help="May be given for each variant.")
]


@ab.command()
def show(
    version: Annotated[str | None, typer.Argument(help="The one in force if not given.")] = None,
    json: Json = False,
) -> None:
    """Show a split, and which one is in force.

    [bold]Examples[/]

      fraudml ab show
    """
    from deploy.jobs.rules import shown
    from streams.ledger.rules import SPLIT
    from streams.settings import read_settings

    found = shown(read_settings(), SPLIT, version)
    if json:
        print_json(found)
        return
    rows = [
        (each["name"], each["model_name"], each["alias"], f"{each['weight']:.1%}")
        for each in found["ab"]["variants"]
    ]
    print_table(("VARIANT", "MODEL", "ALIAS", "SHARE"), rows, {})
    say(f"this is {found['ab']['version']}; in force is {found['in_force']}")


@ab.command("set")
def set_(
    version: Version,
    weight: Weights,
    salt: Annotated[str | None, typer.Option(help="A new one deals all customers anew.")] = None,
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Change the shares of the split in force, and put that in force: workers take it within seconds.

    A customer keeps the variant, but for those that the change must move.

    [bold]Examples[/]

      fraudml ab set --weight champion=0.8 --weight challenger=0.2 --version more-lightgbm
    """
    from deploy.jobs.rules import activated, kept, split_in_force
    from models.ab_test import changed_split
    from streams.ledger.rules import SPLIT
    from streams.settings import read_settings

    settings = read_settings()
    changed = changed_split(split_in_force(settings), version, _weights(weight), salt)
    kept(settings, SPLIT, changed)
    say_activated("split", activated(settings, SPLIT, version, who=who, why=why), json)


@ab.command()
def report(
    since: Annotated[
        datetime | None, typer.Option(formats=MOMENTS, help="By event time; UTC if no zone is given.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=MOMENTS, help="A week ago if not given.")] = None,
    costs: CostsFile = None,
    log: Annotated[bool, typer.Option("--log", help="Log the figures of each variant to MLflow.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling.")] = 1,
    json: Json = False,
) -> None:
    """Compare the variants over transactions whose labels are known, with intervals of 95 %.

    [bold]Examples[/]

      fraudml ab report
      fraudml ab report --since 2026-05-01 --until 2026-06-01 --log --json
    """
    from deploy.jobs.ab_reporting import log_to_mlflow, reported
    from deploy.jobs.rules import read_costs
    from streams.settings import read_settings

    settings = read_settings()
    with reporting() as progress:
        found = reported(settings, utc(since), utc(until), read_costs(costs), seed=seed, say=progress)
        if log:
            progress.waiting("logging it to MLflow")
            log_to_mlflow(settings, found)
    if json:
        print_json(found)
        return
    names = ("name", "customers", "transactions", "frauds")
    rows = [
        (*(str(each[name]) for name in names), *map(_words, _figures(each))) for each in found["variants"]
    ]
    print_table(("VARIANT", "CUSTOMERS", "ROWS", "FRAUDS", *FIGURES), rows, {})
    if not found["sample_ratio_ok"]:
        say(f"the shares of customers are not those of the split (p = {found['sample_ratio_p']:.2g})")
    say(found["conclusion"])


FIGURES = {
    "AUC": "auc_roc",
    "AP": "average_precision",
    "APPROVED": "approval_rate",
    "REVIEWED": "review_rate",
    "DECLINED": "decline_rate",
    "COST OF 1,000": "cost_per_thousand_minor",
}


def _figures(variant: dict[str, Any]) -> list[dict[str, float] | None]:
    return [variant[name] for name in FIGURES.values()]


def _words(figure: dict[str, float] | None) -> str:
    return "" if figure is None else "{value:.4g} ({low:.4g} to {high:.4g})".format(**figure)


def _weights(given: list[str]) -> dict[str, float]:
    found = {}
    for each in given:
        name, _, share = each.partition("=")
        if name in found:
            raise typer.BadParameter(f"{name} is given twice")
        try:
            found[name] = float(share)
        except ValueError:
            raise typer.BadParameter(f"{each} is not VARIANT=SHARE, such as challenger=0.2") from None
    return found
