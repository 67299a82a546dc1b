"""evaluate, train: from labelled transactions to a model."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.cli.dlq import MOMENTS
from deploy.cli.files import DAY_FORMATS, Json, Map, Model, TableFile
from deploy.cli.models import Who, Why
from deploy.cli.terminal import CHECK_FAILED, print_json, print_table, reporting, say, utc

TrainStart = Annotated[datetime, typer.Option(formats=DAY_FORMATS, help="First day to train on, UTC.")]
TrainDays = Annotated[int, typer.Option(min=1, help="Days to train on.")]
DelayDays = Annotated[int, typer.Option(min=0, help="Days until their labels are known; at least 7.")]
TestDays = Annotated[int, typer.Option(min=1, help="Days to be judged by.")]
RecipeOption = Annotated[str, typer.Option(help="default; of XGBoost book and book-tuned too.")]
Folds = Annotated[int, typer.Option(min=1, help="How many folds.")]
StepDays = Annotated[int, typer.Option(min=1, help="Days from the start of a fold to that of the next.")]
LeakAbove = Annotated[
    float,
    typer.Option(min=0, max=1, help="Exit with 4 if the average precision is above: a label has leaked."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the training.")]

# What a row of the table shows, under which heading.
FIGURES = {
    "AUC": "auc_roc",
    "AP": "average_precision",
    "CP@100": "card_precision_at_100",
    "RECALL@1%": "recall_at_1pct_fpr",
}


def evaluate(
    file: TableFile,
    map: Map,
    train_start: TrainStart,
    train_days: TrainDays = 7,
    delay_days: DelayDays = 7,
    test_days: TestDays = 7,
    model: Annotated[Model, typer.Option(help="The family of models.")] = Model.xgboost,
    recipe: RecipeOption = "default",
    folds: Folds = 1,
    step_days: StepDays = 7,
    leak_above: LeakAbove = 0.8,
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Train and test as it would have been at the time: train days, a wait for their labels, test days.

    Each fold starts some days after the one before. Cards known to be compromised by then are no part of the
    test.

    [bold]Examples[/]

      fraudml evaluate handbook.parquet --map handbook --train-start 2018-07-25
      fraudml evaluate handbook.parquet --map handbook --train-start 2018-07-25 --folds 4 --json
    """
    from deploy.jobs.evaluating import evaluate_file
    from deploy.jobs.training import family_of
    from models.folds import Fold
    from models.recipes import recipe_of

    fold = Fold(day_number(train_start), train_days, delay_days, test_days)
    chosen = recipe_of(family_of(model), recipe)
    with reporting() as report:
        found = evaluate_file(
            file, map, fold, chosen, count=folds, step_days=step_days, seed=seed, report=report
        )
    if json:
        print_json(found)
    else:
        _show(found)
    average_precision = found["mean"]["average_precision"]
    if average_precision > leak_above:
        say(f"an average precision of {average_precision:.3f} is too good: is a label among the features?")
        say("Next: look at where the features come from; --leak-above 1 if they are sound")
        raise typer.Exit(CHECK_FAILED)


def day_number(day: datetime) -> int:
    """Days since 1970."""
    return (day.date() - date(1970, 1, 1)).days


def _show(found: dict[str, Any]) -> None:
    named = [(each["test_start"], each) for each in found["folds"]]
    if len(named) > 1:
        named += [("mean", found["mean"]), ("sd", found["sd"])]
    rows = [
        (
            name,
            f"{each['rows']:,.0f}",
            f"{each['frauds']:,.0f}",
            *(f"{each[key]:.3f}" for key in FIGURES.values()),
        )
        for name, each in named
    ]
    print_table(("TEST FROM", "ROWS", "FRAUDS", *FIGURES), rows, {})
    say("")
    _show_calibration(found["mean"]["calibration"])
    say("")
    _show_costs(found["mean"]["cost_per_thousand_minor"])


def _show_calibration(of_each: dict[str, dict[str, float]]) -> None:
    rows = [
        (
            name,
            f"{each['error_top']:.3f}",
            f"{each['predicted_over_observed']:.3f}",
            f"{each['log_loss']:.5f}",
        )
        for name, each in of_each.items()
    ]
    print_table(("SCORE", "ERROR IN TOP 2%", "PREDICTED/OBSERVED", "LOG LOSS"), rows, {})


def _show_costs(of_each: dict[str, float]) -> None:
    rows = [(name.replace("_", " "), f"{cost:,.0f}") for name, cost in of_each.items()]
    print_table(("POLICY", "COST OF 1,000 IN MINOR UNITS"), rows, {})


def train(
    file: Annotated[
        Path | None, typer.Argument(help="Parquet or CSV (.parquet, .csv, .csv.gz).", show_default=False)
    ] = None,
    map: Annotated[
        str | None,
        typer.Option("--map", help="Column map of the file: TOML, or handbook, evalml, generated."),
    ] = None,
    *,
    start: Annotated[datetime, typer.Option(formats=DAY_FORMATS, help="First training day, UTC.")],
    end: Annotated[datetime, typer.Option(formats=DAY_FORMATS, help="Last training day, UTC.")],
    from_ledger: Annotated[
        bool, typer.Option("--from-ledger", help="In place of a file: features as they served, and labels.")
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=MOMENTS, help="With --from-ledger: labels that were known then; now if not given."
        ),
    ] = None,
    model: Annotated[Model, typer.Option(help="The family of models.")] = Model.xgboost,
    recipe: RecipeOption = "default",
    register: Annotated[
        bool, typer.Option("--register", help="Log it to MLflow and put it in force at once.")
    ] = False,
    who: Who = None,
    why: Why = "",
    seed: Seed = 1,
    json: Json = False,
) -> None:
    """Train a model on the transactions of some days; earlier rows of the file fill the windows.

    With --register it takes the place of its variant's model at once; fraudml models rollback undoes that.
    The registry is asked before the file is read. Where Postgres cannot be reached, the registry alone has
    the record of who put it in force and why, and that is said.

    [bold]Examples[/]

      fraudml train transactions.parquet --map generated --start 2018-05-08 --end 2018-05-21 --register
      fraudml train handbook.parquet --map handbook --start 2018-07-25 --end 2018-07-31 --model lightgbm
      fraudml train --from-ledger --start 2026-05-08 --end 2026-05-21 --register --why "May is in"
    """
    from deploy.jobs import training
    from models.recipes import recipe_of
    from streams.settings import read_settings

    if from_ledger == (file is not None) or (file is None) != (map is None):
        raise typer.BadParameter("give a file with its --map, or --from-ledger")
    if as_of is not None and not from_ledger:
        raise typer.BadParameter("--as-of goes with --from-ledger: a file's labels bear no time")
    if (who or why) and not register:
        raise typer.BadParameter("--who and --why tell of a promotion: give --register too")
    chosen, days = recipe_of(training.family_of(model), recipe), (start.date(), end.date())
    with reporting() as report:
        if register:
            report.waiting("asking MLflow for its experiment")
            training.check_registering(read_settings(), who=who, why=why)
        if file is None or map is None:
            known = utc(as_of) or datetime.now(UTC)
            trained = training.train_ledger(read_settings(), *days, known, chosen, seed=seed, report=report)
        else:
            trained = training.train_file(file, map, *days, chosen, seed=seed, report=report)
        registered = {}
        if register:
            report.waiting("registering it with MLflow")
            registered = training.register(trained, read_settings(), who=who, why=why, report=report)
    if json:
        print_json(trained.summary() | registered)
        return
    _say_trained(trained.summary(), registered)


def _say_trained(found: dict[str, Any], registered: dict[str, str]) -> None:
    say("{model} trained on {rows:,} transactions, {frauds:,} of them frauds".format(**found))
    if not registered:
        say("the model was not kept. Next: the same with --register")
    else:
        say("registered as {name} version {version}, {alias}".format(**registered))
