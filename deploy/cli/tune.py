"""tune: a search for a better recipe."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from deploy.cli.files import Json, Map, Model, TableFile
from deploy.cli.learn import DelayDays, StepDays, TestDays, TrainDays, TrainStart, day_number
from deploy.cli.terminal import print_json, print_table, reporting, say

Metric = StrEnum("Metric", ["average_precision", "auc_roc", "card_precision_at_100"])

# What a row of the table shows, under which heading.
FIGURES = {"AUC": "auc_roc", "AP": "average_precision", "CP@100": "card_precision_at_100"}


def tune(
    file: TableFile,
    map: Map,
    train_start: TrainStart,
    train_days: TrainDays = 7,
    delay_days: DelayDays = 7,
    test_days: TestDays = 7,
    model: Annotated[Model, typer.Option(help="The family of models.")] = Model.xgboost,
    folds: Annotated[int, typer.Option(min=1, help="How many folds a recipe is measured on.")] = 4,
    step_days: StepDays = 7,
    trials: Annotated[
        int, typer.Option(min=1, help="How many recipes to try; the first is the default.")
    ] = 30,
    metric: Annotated[
        Metric, typer.Option(help="Whose mean over the folds is to be high.")
    ] = Metric.average_precision,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the search, and of every training.")] = 1,
    log: Annotated[bool, typer.Option("--log/--no-log", help="Keep the search in MLflow.")] = True,
    json: Json = False,
) -> None:
    """Search for parameters that do better than the default recipe's, on validation folds.

    The best of many trials looks better than it is on the days that chose it. So all of these folds, test
    days included, must lie before the weeks that the recipe will be judged by: for the handbook's table, four
    folds from 2018-06-20, whose last test day is 2018-07-31; it is judged by the weeks from 2018-08-08.

    Each trial is a run in MLflow's experiment fraudml-tune, beneath that of its search.

    [bold]Examples[/]

      fraudml tune handbook.parquet --map handbook --train-start 2018-06-20 --folds 4 --trials 30
      fraudml tune handbook.parquet --map handbook --train-start 2018-06-20 --model lightgbm --no-log --json
    """
    from deploy.jobs.training import family_of
    from deploy.jobs.tuning import reach_mlflow, tune_file
    from models.folds import Fold
    from models.folds import folds as folds_from
    from streams.settings import read_settings

    first = Fold(day_number(train_start), train_days, delay_days, test_days)
    with reporting() as report:
        report.waiting("asking MLflow for its experiment")
        experiment_id = reach_mlflow(read_settings()) if log else None
        found = tune_file(
            file,
            map,
            list(folds_from(first, folds, step_days)),
            family_of(model),
            metric=metric,
            trials=trials,
            seed=seed,
            experiment_id=experiment_id,
            report=report,
        )
    if json:
        print_json(found)
    else:
        _show(found)


def _show(found: dict[str, Any]) -> None:
    from models.recipes import Recipe, source_of

    default, best = found["default"], found["best"]
    better = best["number"] != default["number"]
    shown = {"default": default} | ({f"trial {best['number']}": best} if better else {})
    print_table(
        ("RECIPE", "TEST FROM", *FIGURES), [row for name in shown for row in _rows(name, shown[name])], {}
    )
    if better:
        typer.echo("\n" + source_of(Recipe(**best["recipe"])))
        say(f"\ntrial {best['number']} of {found['trials']} has the highest mean {found['metric']}")
        say("Next: put it in models/recipes.py, and judge it by later weeks with fraudml evaluate")
    else:
        say(f"\nnone of {found['trials']} trials has a higher mean {found['metric']} than the default recipe")
    if found["mlflow_run"]:
        say(f"kept in MLflow as run {found['mlflow_run']} of the experiment fraudml-tune")


def _rows(name: str, trial: dict[str, Any]) -> list[tuple[str, ...]]:
    named = [(each["test_start"], each) for each in trial["folds"]] + [("mean", trial["mean"])]
    return [(name, day, *(f"{each[key]:.3f}" for key in FIGURES.values())) for day, each in named]
