"""`fraudml tune` on a small simulated table: what it prints, keeps and refuses."""

import json
from collections.abc import Callable, Iterator
from datetime import date
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import main, tune
from deploy.jobs import tuning
from load.generator import simulate
from load.parameters import SimulatorParameters
from load.transactions_file import write_transactions
from models.errors import RegistryUnavailable
from models.recipes import recipe_of
from models.tuning import METRICS, Search, Trial

Run = Callable[..., Result]
WEEKS = ("--train-start", "2018-04-02", "--test-days", "5", "--folds", "2", "--step-days", "2")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """23 days of 300 customers; there are frauds in every week."""
    file = tmp_path_factory.mktemp("tune") / "payments.parquet"
    many = SimulatorParameters(customers=300, frauds_per_customers=500)
    write_transactions(simulate(many, seed=1, days=23, start=date(2018, 4, 1)), file)
    return file


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Path) -> Run:
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    runner = CliRunner()
    return lambda *words: runner.invoke(main.app, ["tune", str(table), "--map", "generated", *WEEKS, *words])


@pytest.fixture
def improving(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last trial counts as the best, whatever its figures."""
    monkeypatch.setattr(Search, "best", lambda self, trials: trials[-1])


def test_it_prints_the_best_recipe_beside_the_default(run: Run, improving: None) -> None:
    result = run("--trials", "2", "--no-log", "--model", "lightgbm")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["RECIPE", "TEST", "FROM", "AUC", "AP", "CP@100"]
    assert [line.split("  ")[:2] for line in lines[1:7]] == [
        [name, day] for name in ("default", "trial 2") for day in ("2018-04-16", "2018-04-18", "mean")
    ]
    assert lines[8:10] == ["Recipe(", '    "lightgbm",']
    assert "trial 2 of 2 has the highest mean average_precision" in result.stderr
    assert "Next: put it in models/recipes.py" in result.stderr
    assert "MLflow" not in result.stderr


def test_when_nothing_beats_the_default_it_says_so(run: Run) -> None:
    result = run("--trials", "1", "--no-log")
    assert "Recipe(" not in result.stdout
    assert result.stderr == (
        "\nnone of 1 trials has a higher mean average_precision than the default recipe\n"
    )


@pytest.mark.slow
def test_as_json_it_tells_what_was_searched_and_on_what(run: Run) -> None:
    found = json.loads(
        run("--trials", "2", "--no-log", "--metric", "auc_roc", "--seed", "7", "--json").stdout
    )
    assert (found["model"], found["metric"], found["trials"], found["seed"]) == ("xgboost", "auc_roc", 2, 7)
    assert (found["file"], found["train_starts"]) == ("payments.parquet", ["2018-04-02", "2018-04-04"])
    assert len(found["file_sha256"]) == 64
    assert 0 < found["frauds"] < found["rows"]
    assert found["mlflow_run"] is None
    assert found["default"]["recipe"]["parameters"] == recipe_of("xgboost").parameters
    assert found["best"]["mean"]["auc_roc"] >= found["default"]["mean"]["auc_roc"]


@pytest.mark.filterwarnings("ignore", r"error:::(deploy|models)\.")
@pytest.mark.slow
def test_it_is_kept_in_mlflow_unless_told_otherwise(run: Run) -> None:
    from mlflow import MlflowClient

    result = run("--trials", "2", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    kept = MlflowClient().get_run(found["mlflow_run"]).data
    assert kept.params["file_sha256"] == found["file_sha256"]
    assert kept.metrics["average_precision"] == found["best"]["mean"]["average_precision"]


def test_a_registry_that_is_away_is_said_before_the_file_is_read(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> str:
        raise RegistryUnavailable("MLflow failed", why="nobody answers")

    monkeypatch.setattr("models.mlflow_search.find_experiment", away)
    monkeypatch.setattr(tuning, "read_labelled", pytest.fail)
    result = run()
    assert result.exit_code == 3
    assert result.stderr == (
        "error: MLflow failed. nobody answers. Next: fraudml status, or search with --no-log\n"
    )


@pytest.mark.parametrize(("done", "best"), [(1, "the default recipe"), (2, "trial 2")])
def test_an_interrupt_tells_the_best_until_then(
    run: Run, improving: None, monkeypatch: pytest.MonkeyPatch, done: int, best: str
) -> None:
    whole = Search.run

    def interrupted(self: Search) -> Iterator[Trial]:
        yield from islice(whole(self), done)
        raise KeyboardInterrupt

    monkeypatch.setattr(Search, "run", interrupted)
    result = run("--no-log", "--trials", "9", "--model", "lightgbm")
    assert (result.exit_code, result.stdout) == (130, "")
    told = f"ended after {done} of 9 trials; the best until then is {best}, with a mean average_precision of "
    assert result.stderr.startswith(told)
    assert ("Recipe(" in result.stderr) == (done == 2)


@pytest.mark.parametrize("words", [("--trials", "0"), ("--folds", "0"), ("--metric", "f1")])
def test_bad_usage_exits_with_2(run: Run, words: tuple[str, ...]) -> None:
    assert run("--no-log", *words).exit_code == 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--folds", "9"), "has no transactions to test on"),
        (("--delay-days", "3"), "labels are not known after 3 days"),
        (("--train-start", "2019-01-01"), "2019-01-01 has no transactions to train on"),
    ],
)
def test_days_that_do_not_do_exit_with_1(run: Run, words: tuple[str, ...], why: str) -> None:
    result = run("--no-log", *words)
    assert result.exit_code == 1
    assert why in result.stderr


def test_the_metrics_of_the_command_line_are_those_there_are() -> None:
    assert tuple(tune.Metric) == METRICS
