"""What is given to log_model_to_mlflow: wrong input is named, with its cure, and nothing registered."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.calibration import Calibration
from models.errors import BadSetting, Misuse
from models.mlflow_registry import log_model_to_mlflow
from tests.unit.models.registered import written_keys
from tests.unit.models.trained import Rows, booster, rows

pytestmark = pytest.mark.filterwarnings("ignore", r"error:::models\.")


def log(features: Any, fraud: Any, meta: dict[str, Any] | None = None) -> str:
    return log_model_to_mlflow(booster("xgboost"), "XGBoost", features, fraud, meta)


def with_value(value: float) -> Any:
    features = rows().features.astype(np.float64)
    features[7, 0] = value
    return features


@pytest.fixture
def nothing_registered(client: Any) -> Any:
    """Holds afterwards, and was so before."""
    yield
    assert client.search_registered_models() == []
    assert client.search_model_versions() == []


WRONG: list[tuple[Callable[[Rows], tuple[Any, Any]], str]] = [
    (lambda each: (each.features[:0], each.fraud[:0]), "of 0 rows 0 are frauds"),
    (lambda each: (each.features, each.fraud[:-1]), "1,500 rows and 1,499 labels"),
    (lambda each: (each.features, each.fraud.astype(str)), "'0' is no label"),
    (lambda each: (each.features, ["fraud", *each.fraud[1:].tolist()]), "is no label"),
    (lambda each: (each.features, [None, *each.fraud[1:].tolist()]), "None is no label"),
    (lambda each: (each.features, each.fraud * 2), "2 is no label"),
    (lambda each: (each.features, np.where(each.fraud, 1, np.nan)), "nan is no label"),
    (lambda each: (each.features, each.fraud * 0), "of 1,500 rows 0 are frauds"),
    (lambda each: (each.features, each.fraud * 0 + 1), "of 1,500 rows 1,500 are frauds"),
    (lambda each: (each.features, np.c_[each.fraud, each.fraud]), "the labels have shape"),
    (lambda each: (with_value(np.nan), each.fraud), "is nan in row 7"),
    (lambda each: (with_value(-np.inf), each.fraud), "is -inf in row 7"),
    (lambda each: (with_value(1e39), each.fraud), "is inf in row 7"),
    (lambda each: (np.full((1500, 15), "x"), each.fraud), "the rows are no table of numbers"),
]


@pytest.mark.parametrize(("given", "what"), WRONG, ids=[what for _, what in WRONG])
def test_rows_and_labels_that_cannot_be_are_refused(
    nothing_registered: None, given: Callable[[Rows], tuple[Any, Any]], what: str
) -> None:
    with pytest.raises(Misuse, match=rf"{what}.*Next: "):
        log(*given(rows()))


@pytest.mark.parametrize(
    ("meta", "what"),
    [
        ({"calibration": {"slope": -1}}, "this is no calibration"),
        ({"calibration": {"slope": 1, "intercept": float("nan")}}, "this is no calibration"),
        ({"calibration": {"slope": float("inf")}}, "this is no calibration"),
        ({"calibration": Calibration(slope=-1)}, "this is no calibration"),
        ({"calibration": "platt"}, "this is no calibration"),
        ({"calibration": object()}, "this is no calibration"),
        ({"metrics": {"auc": "good"}}, "metrics are numbers"),
        ({"trained": "in May"}, r"meta\['trained'\] is a str"),
    ],
)
def test_meta_that_cannot_be_is_refused(nothing_registered: None, meta: dict[str, Any], what: str) -> None:
    with pytest.raises(Misuse, match=rf"{what}.*Next: "):
        log(rows().features, rows().fraud, meta)


def test_a_signing_key_is_read_before_a_model_is_registered(nothing_registered: None, tmp_path: Path) -> None:
    (tmp_path / "other.key").write_text("something else")
    for key in (tmp_path / "none.key", str(tmp_path / "other.key"), 5):
        with pytest.raises(BadSetting, match=r"Next: .*openssl genpkey"):
            log(rows().features, rows().fraud, {"signing_key": key})


def test_a_version_that_could_not_be_signed_does_not_stay(
    nothing_registered_but_its_name: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.mlflow_registry.hashes_of", _fail)
    with pytest.raises(OSError, match="the disk is full"):
        log(rows().features, rows().fraud, {"signing_key": written_keys(tmp_path)[0]})


def _fail(folder: Path) -> dict[str, str]:
    raise OSError("the disk is full")


@pytest.fixture
def nothing_registered_but_its_name(client: Any) -> Any:
    yield
    assert client.search_model_versions() == []
    client.delete_registered_model("FraudDetection_XGBoost")


def test_a_signing_key_may_be_a_text(client: Any, tmp_path: Path) -> None:
    key = str(written_keys(tmp_path)[0])
    version = log(rows().features, rows().fraud, {"signing_key": key})
    assert "fraudml.signature" in client.get_model_version("FraudDetection_XGBoost", version).tags


@pytest.mark.parametrize("kind", [bool, float, object])
def test_labels_of_other_kinds_of_numbers_are_taken(client: Any, kind: type) -> None:
    version = log(rows().features, rows().fraud.astype(kind)[:, None])
    run_id = client.get_model_version("FraudDetection_XGBoost", version).run_id
    assert client.get_run(run_id).data.params["frauds"] == str(int(rows().fraud.sum()))


def test_a_run_of_the_callers_own_stays_open_and_holds_the_models(client: Any) -> None:
    import mlflow

    with mlflow.start_run() as outer:
        version = log(rows().features, rows().fraud)
        assert mlflow.active_run().info.run_id == outer.info.run_id
    run_id = client.get_model_version("FraudDetection_XGBoost", version).run_id
    assert client.get_run(run_id).data.tags["mlflow.parentRunId"] == outer.info.run_id
