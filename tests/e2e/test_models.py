"""From training to deciding on a running system: what is put in force, workers take by themselves."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine

pytestmark = [pytest.mark.stack, pytest.mark.slow]

XGBOOST = "FraudDetection_XGBoost"
SOON_S = 30.0


def decided(fraudml: CommandLine, **changed: Any) -> dict[str, Any]:
    """A new payment's decision; the default one is large, and at night."""
    payment = {
        "transaction_id": f"models-{uuid.uuid4()}",
        "customer_id": "demo-c1",
        "terminal_id": "demo-t1",
        "amount_minor": 90_000,
        "currency": "EUR",
        "event_time": "2018-06-01T03:00:00Z",
    } | changed
    found: dict[str, Any] = json.loads(fraudml.ok("score", "-", stdin=json.dumps(payment)).stdout)
    return found


def wait_until_decided_by(fraudml: CommandLine, **expected: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = decided(fraudml)
        return found if expected.items() <= found.items() else None

    found = until(look, within_s=SOON_S, every_s=0.2)
    assert found is not None
    return found


def worker_pid(fraudml: CommandLine) -> int | None:
    return next(part.pid for part in fraudml.stack.status() if part.part == "worker-0")


def logged_of(fraudml: CommandLine, run_name: str) -> dict[str, float]:
    """The figures of the newest run of that name, as MLflow tells them."""
    from mlflow import MlflowClient

    client = MlflowClient(fraudml.stack.settings.mlflow_tracking_uri)
    experiment = client.get_experiment_by_name("FraudDetection")
    (run, *_) = client.search_runs([experiment.experiment_id], f"run_name = '{run_name}'", max_results=1)
    return dict(run.data.metrics)


@pytest.fixture(scope="module")
def payments(tmp_path_factory: pytest.TempPathFactory, fraudml: CommandLine) -> Path:
    file = tmp_path_factory.mktemp("payments") / "payments.parquet"
    fraudml.ok("generate", "--customers", "600", "--days", "40", "--seed", "9", "--out", str(file))
    return file


@pytest.fixture(scope="module")
def second(fraudml: CommandLine, payments: Path) -> Iterator[str]:
    """A second version of the champion, registered and promoted; the first one is put back at the end."""
    days = ("--start", "2018-05-02", "--end", "2018-05-08")
    trained = fraudml.json("train", str(payments), "--map", "generated", *days, "--register", "--json")
    yield trained["version"]
    fraudml.ok("models", "promote", XGBOOST, "--version", "1", "--why", "the tests are over")


def test_a_registered_model_decides_soon_and_no_worker_is_restarted(
    fraudml: CommandLine, second: str
) -> None:
    pid = worker_pid(fraudml)
    wait_until_decided_by(fraudml, model_name=XGBOOST, model_version=second)
    assert worker_pid(fraudml) == pid


def test_a_rollback_decides_soon_too_and_both_are_on_record(fraudml: CommandLine, second: str) -> None:
    wait_until_decided_by(fraudml, model_version=second)
    back = fraudml.json("models", "rollback", XGBOOST, "--who", "ann", "--why", "alerts doubled", "--json")
    assert (back["before"], back["after"]) == (second, "1")
    wait_until_decided_by(fraudml, model_version="1")
    shown = fraudml.json("models", "show", XGBOOST, "--json")
    assert [(each["who"], each["why"]) for each in shown["promotions"]][-1] == ("ann", "alerts doubled")
    assert {each["version"] for each in shown["versions"]} >= {"1", second}


def test_what_stands_behind_an_alias_can_be_made_to_prove_itself(fraudml: CommandLine) -> None:
    found = fraudml.json("models", "verify", XGBOOST, "--json")
    assert found["calibration"]["slope"] > 0
    assert len(found["sha256"]) == 64


def test_a_policy_is_fitted_kept_and_put_in_force(fraudml: CommandLine, payments: Path) -> None:
    fitted = ("--train-start", "2018-05-02", "--version", "strict-1", "--json")
    outcome = fraudml.json("policy", "fit", str(payments), "--map", "generated", *fitted)
    assert outcome["cost_per_thousand_minor"] < outcome["all_approved_per_thousand_minor"]
    assert fraudml.json("policy", "show", "--json")["in_force"] == "default-1"
    try:
        fraudml.ok("policy", "activate", "strict-1", "--why", "costs")
        wait_until_decided_by(fraudml, policy_version="strict-1")
        assert len(fraudml.json("policy", "show", "strict-1", "--json")["policy"]["bands"]) > 3
    finally:
        fraudml.ok("policy", "activate", "default-1")
    wait_until_decided_by(fraudml, policy_version="default-1")


def test_the_variants_are_compared_over_what_the_ledger_knows(fraudml: CommandLine) -> None:
    """Of the split in force alone: the next test changes it."""
    found = fraudml.json("ab", "report", "--since", "2018-05-07", "--log", "--json")
    champion = next(each for each in found["variants"] if each["name"] == "champion")
    assert champion["transactions"] > 10_000
    assert 0.5 < champion["auc_roc"]["low"] <= champion["auc_roc"]["value"] <= 1
    assert champion["fraud_caught_minor"] > 0
    assert found["conclusion"]
    assert logged_of(fraudml, "A/B champion")["auc_roc"] == pytest.approx(champion["auc_roc"]["value"])


def test_shares_are_changed_while_it_runs_and_every_decision_says_by_which(fraudml: CommandLine) -> None:
    weights = ("--weight", "champion=0", "--weight", "challenger=1")
    try:
        fraudml.ok("ab", "set", *weights, "--version", "all-lightgbm")
        found = wait_until_decided_by(fraudml, ab_version="all-lightgbm")
        assert (found["variant"], found["model_name"]) == ("challenger", "FraudDetection_LightGBM")
        none_yet = fraudml.run("ab", "report", "--since", "2018-05-07")
        assert "no decision of the split in force has a label yet" in none_yet.stderr
    finally:
        back = ("--weight", "champion=0.9", "--weight", "challenger=0.1", "--version", "as-before")
        fraudml.ok("ab", "set", *back)
    wait_until_decided_by(fraudml, ab_version="as-before")


def test_a_model_is_trained_on_what_served(fraudml: CommandLine) -> None:
    """On the same days as the file that was replayed, the ledger gives the same features and labels."""
    days = ("--start", "2018-05-01", "--end", "2018-05-07")
    trained = fraudml.json("train", "--from-ledger", *days, "--json")
    assert (trained["rows"], trained["frauds"] > 0) == (26_303, True)


def test_labels_that_were_not_known_by_then_teach_nothing(fraudml: CommandLine) -> None:
    days = ("--start", "2018-05-01", "--end", "2018-05-07")
    done = fraudml.run("train", "--from-ledger", *days, "--as-of", "2018-05-08")
    assert done.returncode != 0
    assert "whose label was known by 2018-05-08" in done.stderr


def test_a_flagged_payment_says_why(fraudml: CommandLine) -> None:
    found = decided(fraudml, amount_minor=900_000)
    assert found["decision"] != "approve"
    assert 1 <= len(found["reasons"]) <= 3
    assert all(reason["sentence"].endswith(".") and reason["contribution"] > 0 for reason in found["reasons"])


REFUSED = [
    (("models", "promote", XGBOOST, "--version", "999"), "has no version 999"),
    (("models", "promote", "Nobody"), "there is no model Nobody"),
    (("policy", "activate", "lost"), "there is no policy of version lost"),
    (("ab", "set", "--weight", "champion=0.5", "--version", "half"), "add up to 1"),
    (("ab", "set", "--weight", "third=0.5", "--version", "third"), "has no variant third"),
]


def test_what_cannot_be_is_refused_and_nothing_changes(fraudml: CommandLine) -> None:
    nouns = (("policy", "show"), ("ab", "show"), ("models", "list"))
    before = [fraudml.json(*noun, "--json") for noun in nouns]
    for arguments, words in REFUSED:
        done = fraudml.run(*arguments)
        assert done.returncode != 0
        assert words in done.stderr
    assert [fraudml.json(*noun, "--json") for noun in nouns] == before
