"""policy fit, show, activate: from a score and an amount to approve, review or decline."""

from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.files import Json, Map, Model, TableFile
from deploy.cli.learn import RecipeOption, Seed, TrainDays, TrainStart, day_number
from deploy.cli.models import Who, Why
from deploy.cli.terminal import print_json, print_table, reporting, say

policy = typer.Typer(help="Thresholds that follow from declared costs.", no_args_is_help=True)

Version = Annotated[str, typer.Option("--version", help="What it is called; every decision bears it.")]
CostsFile = Annotated[
    Path | None,
    typer.Option("--costs", help="JSON file of declared costs (models/costs.py); ours if not given."),
]


@policy.command()
def fit(
    file: TableFile,
    map: Map,
    train_start: TrainStart,
    version: Version,
    train_days: TrainDays = 7,
    model: Annotated[Model, typer.Option(help="The family of models.")] = Model.xgboost,
    recipe: RecipeOption = "default",
    costs: CostsFile = None,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Find the cuts of least expected cost on labelled days, and keep them. Nothing is in force by that.

    [bold]Examples[/]

      fraudml policy fit handbook.parquet --map handbook --train-start 2018-07-25 --version july-1
      fraudml policy fit payments.parquet --map mine.toml --train-start 2026-05-01 --version may-1
    """
    from deploy.jobs.rules import fit_to_file, kept, reach_rules, read_costs
    from deploy.jobs.training import family_of
    from models.ab_test import check_version
    from models.folds import LABEL_DELAY_DAYS, Fold
    from models.recipes import recipe_of
    from streams.ledger.rules import POLICY
    from streams.settings import read_settings

    fold = Fold(day_number(train_start), train_days, LABEL_DELAY_DAYS, test_days=1)
    chosen, declared = recipe_of(family_of(model), recipe), read_costs(costs)
    check_version(version)
    with reporting() as report:
        reach_rules(read_settings())
        found, outcome = fit_to_file(
            file, map, fold, chosen, declared, version=version, seed=seed, report=report
        )
        report.waiting("keeping it in the ledger")
        kept(read_settings(), POLICY, found)
    if json:
        print_json({"version": version, **outcome})
        return
    say("{reviews_per_day:,.1f} reviews and {declines_per_day:,.1f} declines a day".format(**outcome))
    say("{frauds_flagged:.0%} of the frauds are flagged".format(**outcome))
    say(
        "a thousand transactions cost {cost_per_thousand_minor:,.0f}, with nobody looking "
        "{all_approved_per_thousand_minor:,.0f} (minor units)".format(**outcome)
    )
    say(f"kept as {version}. Next: fraudml policy activate {version}")


@policy.command()
def show(
    version: Annotated[str | None, typer.Argument(help="The one in force if not given.")] = None,
    json: Json = False,
) -> None:
    """Show a policy's bands of amounts, and which one is in force.

    [bold]Examples[/]

      fraudml policy show
      fraudml policy show july-1 --json
    """
    from deploy.jobs.rules import shown
    from streams.ledger.rules import POLICY
    from streams.settings import read_settings

    found = shown(read_settings(), POLICY, version)
    if json:
        print_json(found)
        return
    rows = [
        (f"{band['amount_minor']:,}", f"{band['review_at']:.4f}", f"{band['decline_at']:.4f}")
        for band in found["policy"]["bands"]
    ]
    print_table(("FROM AMOUNT (MINOR)", "REVIEW AT", "DECLINE AT"), rows, {})
    say(f"this is {found['policy']['version']}; in force is {found['in_force']}")


@policy.command()
def activate(
    version: Annotated[str, typer.Argument(help="A version that was kept.")],
    who: Who = None,
    why: Why = "",
    json: Json = False,
) -> None:
    """Put a policy in force. Workers take it between two sweeps, within seconds.

    [bold]Examples[/]

      fraudml policy activate july-1 --why "reviewed with the fraud desk"
      fraudml policy activate default-1
    """
    from deploy.jobs.rules import activated
    from streams.ledger.rules import POLICY
    from streams.settings import read_settings

    made = activated(read_settings(), POLICY, version, who=who, why=why)
    say_activated("policy", made, json)


def say_activated(what: str, made: dict[str, Any], json: bool) -> None:
    if json:
        print_json(made)
    else:
        say(f"{what} {made['in_force']} is in force, in place of {made['before']}")
