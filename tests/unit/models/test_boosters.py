"""Boosters from files: the same answer alone and in company, on one thread, to whoever has their width."""

import time
from pathlib import Path

import numpy as np
import pytest

from models.boosters import FAMILIES, Family, Predict, load_booster, registered_name, trees_of
from models.errors import ModelRejected
from models.features import FEATURES
from models.train import fit
from tests.unit.models.trained import Rows, booster, few_trees, model_bytes, model_file, rows

pytestmark = pytest.mark.parametrize("family", FAMILIES)

WRONG_WIDTH = "Number of columns in data|number of features in data"


@pytest.fixture
def predict(tmp_path: Path, family: Family) -> Predict:
    return load_booster(model_file(tmp_path, family), family).probabilities


def test_a_file_gives_the_scores_of_the_booster_that_was_saved(predict: Predict, family: Family) -> None:
    features = rows().features
    assert predict(features).tolist() == trees_of(booster(family), family).probabilities(features).tolist()


def test_scores_are_one_probability_per_row_in_double_precision(predict: Predict, family: Family) -> None:
    scores = predict(rows().features)
    assert scores.dtype == np.float64
    assert scores.shape == (len(rows().features),)
    assert scores.min() > 0
    assert scores.max() < 1


def test_a_row_has_the_same_score_alone_and_in_any_batch(predict: Predict, family: Family) -> None:
    features = rows().features
    together = predict(features)
    alone = [predict(features[row : row + 1])[0] for row in range(200)]
    assert alone == together[:200].tolist()
    assert predict(np.ascontiguousarray(features[::-1])).tolist() == together[::-1].tolist()


def test_no_rows_have_no_scores(predict: Predict, family: Family) -> None:
    assert predict(rows().features[:0]).tolist() == []


def test_one_thread_does_the_work(predict: Predict, family: Family) -> None:
    features = np.tile(rows().features, (300, 1))
    before, before_here = time.process_time(), time.thread_time()
    predict(features)
    process_s, here_s = time.process_time() - before, time.thread_time() - before_here
    assert process_s - here_s < 0.25 * process_s


@pytest.mark.parametrize("width", [1, len(FEATURES) - 1, len(FEATURES) + 1])
def test_a_matrix_of_another_width_is_refused(predict: Predict, family: Family, width: int) -> None:
    with pytest.raises(Exception, match=WRONG_WIDTH):
        predict(np.zeros((3, width), np.float32))


def fitted_to(family: Family, sample: Rows, width: int, folder: Path) -> Path:
    import lightgbm
    import xgboost

    features, recipe = sample.features[:, :width], few_trees(family, trees=2)
    if family == "xgboost":
        table = xgboost.DMatrix(features, sample.fraud)
        return model_file(folder, family, bytes(xgboost.train(recipe.parameters, table, 2).save_raw("ubj")))
    dataset = lightgbm.Dataset(features, sample.fraud)
    return model_file(
        folder, family, lightgbm.train(recipe.parameters, dataset, 2).model_to_string().encode()
    )


def test_a_model_of_another_width_is_refused(tmp_path: Path, family: Family) -> None:
    file = fitted_to(family, rows(), len(FEATURES) - 1, tmp_path)
    with pytest.raises(ModelRejected, match=r"wants 14 features\. this version computes 15"):
        load_booster(file, family)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, family: Family) -> None:
    with pytest.raises(ModelRejected, match=f"is not a {family} model"):
        load_booster(tmp_path / "none", family)


@pytest.mark.parametrize("content", [b"garbage", b"{}"])
def test_a_file_that_holds_no_model_is_refused(tmp_path: Path, family: Family, content: bytes) -> None:
    with pytest.raises(ModelRejected, match=f"is not a {family} model"):
        load_booster(model_file(tmp_path, family, content), family)


def test_a_model_of_the_other_family_is_refused(tmp_path: Path, family: Family) -> None:
    (other,) = set(FAMILIES) - {family}
    with pytest.raises(ModelRejected, match=f"is not a {family} model"):
        load_booster(model_file(tmp_path, family, model_bytes(other)), family)


def test_models_are_registered_under_the_names_of_the_default_split(family: Family) -> None:
    names = {"xgboost": "FraudDetection_XGBoost", "lightgbm": "FraudDetection_LightGBM"}
    assert registered_name(family) == names[family]


def test_training_again_from_the_same_seed_gives_the_same_scores(family: Family) -> None:
    sample = rows()
    again = fit(family, sample.features, sample.fraud, seed=1, recipe=few_trees(family))
    first = trees_of(booster(family), family).probabilities(sample.features)
    assert trees_of(again, family).probabilities(sample.features).tolist() == first.tolist()
