"""A model file proves itself, or is refused with the proof that failed."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from models import manifest as manifests
from models.boosters import FAMILIES, MODEL_FILES, Family, load_booster, trees_of
from models.errors import ModelRejected
from models.features import FEATURE_NAMES, FEATURES, features_hash
from models.manifest import (
    GOLDEN_ROWS,
    MANIFEST_FILE,
    claims_of,
    load_verified,
    read_manifest,
    sha256_of,
    verify,
)
from models.training_sample import training_sample
from tests.unit.models.trained import CALIBRATION, booster, manifest_of, model_bytes, model_folder, rows

both = pytest.mark.parametrize("family", FAMILIES)


# Proven.


@both
def test_a_model_that_is_what_it_says_is_verified_and_answers(tmp_path: Path, family: Family) -> None:
    folder = model_folder(tmp_path, family)
    manifest = verify(folder)
    assert manifest == manifest_of(family)
    model = load_verified(folder)
    assert (model.name, model.version, model.sample) == (manifest.name, "3", manifest.claims.sample)
    golden = np.array(manifest.claims.golden_rows, np.float32)
    assert model.predict(golden).tolist() == manifest.claims.golden_scores


@both
def test_a_model_claims_what_it_was_trained_on(family: Family) -> None:
    claims = manifest_of(family).claims
    assert (claims.family, claims.rows, claims.frauds) == (family, 1500, int(rows().fraud.sum()))
    assert claims.feature_names == list(FEATURE_NAMES)
    assert claims.features_hash == features_hash()
    assert claims.trained == {"start": "2026-01-01"}
    assert claims.sample == training_sample(rows().features)


@pytest.mark.parametrize(
    ("count", "golden"), [(1500, GOLDEN_ROWS), (65, GOLDEN_ROWS), (64, 64), (3, 3), (1, 1)]
)
def test_the_golden_rows_are_spread_over_the_training_rows(count: int, golden: int) -> None:
    features = np.ascontiguousarray(rows().features[:count])
    claims = claims_of("xgboost", trees_of(booster("xgboost"), "xgboost"), CALIBRATION, features, 0)
    places = [features.tolist().index(row) for row in claims.golden_rows]
    assert len(places) == golden
    assert places == sorted(set(places))
    assert (places[0], places[-1]) == (0, count - 1)


@pytest.mark.parametrize("by", [-9e-7, 9e-7])
def test_another_machines_last_digits_are_forgiven(tmp_path: Path, by: float) -> None:
    scores = [score + by for score in manifest_of("xgboost").claims.golden_scores]
    verify(model_folder(tmp_path, "xgboost", golden_scores=scores))


# Refused.


@both
def test_a_file_that_has_changed_is_refused_before_it_is_parsed(tmp_path: Path, family: Family) -> None:
    folder = model_folder(tmp_path, family)
    with (folder / MODEL_FILES[family]).open("ab") as file:
        file.write(b" ")
    for check in (verify, load_verified):
        with pytest.raises(ModelRejected, match="its SHA-256 differs"):
            check(folder)


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path, "xgboost")
    (folder / MODEL_FILES["xgboost"]).unlink()
    for check in (verify, load_verified):
        with pytest.raises(ModelRejected, match="is not the file that was registered"):
            check(folder)


def test_a_model_of_another_feature_list_is_refused(tmp_path: Path) -> None:
    other = features_hash(FEATURES[::-1])
    folder = model_folder(tmp_path, "xgboost", features_hash=other, feature_names=list(FEATURE_NAMES)[::-1])
    with pytest.raises(ModelRejected, match=f"trained on other features.*hash {other}"):
        verify(folder)


@pytest.mark.parametrize("row", [0, 17, GOLDEN_ROWS - 1])
def test_a_model_that_misses_one_golden_score_is_refused(tmp_path: Path, row: int) -> None:
    scores = list(manifest_of("xgboost").claims.golden_scores)
    scores[row] += 2e-6
    with pytest.raises(ModelRejected, match="does not reproduce its golden rows"):
        verify(model_folder(tmp_path, "xgboost", golden_scores=scores))


WIDE, NARROW = [0.0] * len(FEATURES), [0.0] * (len(FEATURES) - 1)


@pytest.mark.parametrize(
    ("golden_rows", "golden_scores"),
    [
        ([], []),
        ([NARROW], [0.5]),
        ([WIDE, NARROW], [0.5, 0.5]),
        ([WIDE], []),
        ([WIDE, WIDE, WIDE], [0.5, 0.5]),
    ],
    ids=["none", "too narrow", "ragged", "no scores", "a score too few"],
)
def test_a_model_whose_golden_rows_prove_nothing_is_refused(
    tmp_path: Path, golden_rows: list[list[float]], golden_scores: list[float]
) -> None:
    folder = model_folder(tmp_path, "xgboost", golden_rows=golden_rows, golden_scores=golden_scores)
    with pytest.raises(ModelRejected):
        verify(folder)


@pytest.mark.parametrize("width", [len(FEATURES) - 1, len(FEATURES) + 1])
def test_a_model_of_another_width_is_refused_whatever_it_claims(tmp_path: Path, width: int) -> None:
    import lightgbm

    columns = np.random.default_rng(3).random((200, width))
    model = lightgbm.train({"verbosity": -1}, lightgbm.Dataset(columns, columns[:, 0] > 0.5), 2)
    content = model.model_to_string().encode()
    with pytest.raises(ModelRejected, match=f"wants {width} features"):
        verify(model_folder(tmp_path, "lightgbm", content))


def without_numbers() -> bytes:
    """The XGBoost model with every number of its trees, leaves too, replaced by NaN."""
    import xgboost

    document = json.loads(booster("xgboost").save_raw("json"))
    for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
        tree["split_conditions"] = [math.nan for _ in tree["split_conditions"]]
    broken = xgboost.Booster()
    broken.load_model(bytearray(json.dumps(document).encode()))
    return bytes(broken.save_raw("ubj"))


def test_a_model_that_answers_with_no_number_is_refused(tmp_path: Path) -> None:
    folder = model_folder(tmp_path, "xgboost", without_numbers())
    golden = np.array(read_manifest(folder).claims.golden_rows, np.float32)
    broken = load_booster(folder / "model.ubj", "xgboost")
    assert np.isnan(broken.margins(golden)).all()
    for check in (verify, load_verified):
        with pytest.raises(ModelRejected, match="does not reproduce its golden rows"):
            check(folder)


@both
def test_a_model_that_was_let_in_is_refused_once_the_features_are_others(
    tmp_path: Path, family: Family, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = model_folder(tmp_path, family)
    load_verified(folder)
    monkeypatch.setattr(manifests, "features_hash", lambda: "another")
    with pytest.raises(ModelRejected, match="was trained on other features"):
        load_verified(folder)


@both
def test_a_model_of_the_other_family_is_refused(tmp_path: Path, family: Family) -> None:
    (other,) = set(FAMILIES) - {family}
    with pytest.raises(ModelRejected, match=f"is not a {family} model"):
        verify(model_folder(tmp_path, family, model_bytes(other)))


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"name": "a"}'])
def test_a_folder_without_a_readable_manifest_is_refused(tmp_path: Path, content: bytes | None) -> None:
    folder = model_folder(tmp_path, "xgboost")
    (folder / MANIFEST_FILE).unlink()
    if content is not None:
        (folder / MANIFEST_FILE).write_bytes(content)
    for check in (read_manifest, verify, load_verified):
        with pytest.raises(ModelRejected, match="holds no readable manifest"):
            check(folder)


def test_the_hash_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256_of(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
