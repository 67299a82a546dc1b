"""What a model says of itself, and whether it is so."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from models.boosters import MODEL_FILES, Family, Matrix, Predict, Scores, Trees, load_booster
from models.calibration import Calibration
from models.errors import ModelRejected
from models.features import FEATURE_NAMES, features_hash
from models.scorer import Model
from models.training_sample import TrainingSample, training_sample

MANIFEST_FILE = "manifest.json"
# The tag of a registered version that holds the hash of each of its files.
FILES_TAG = "fraudml.sha256"
GOLDEN_ROWS = 64
# Between two machines the same trees may sum their leaves in another order.
GOLDEN_TOLERANCE = 1e-6


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """Logged with a model: what it was trained on, and rows whose calibrated scores it must reproduce.

    distributions, shares_up_to: as in `models.training_sample.TrainingSample`.
    """

    family: Family
    feature_names: list[str]
    features_hash: str
    calibration: Calibration
    golden_rows: list[list[float]]
    golden_scores: list[float]
    rows: int
    frauds: int
    trained: dict[str, str] = {}
    metrics: dict[str, float] = {}
    distributions: dict[str, list[float]] = {}
    shares_up_to: dict[str, list[float]] = {}

    @property
    def sample(self) -> TrainingSample:
        return TrainingSample(self.rows, self.distributions, self.shares_up_to)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A model in the local folder: which one, its claims, and the hash of its file."""

    name: str
    version: str
    sha256: str
    claims: Claims


def claims_of(
    family: Family,
    trees: Trees,
    calibration: Calibration,
    features: Matrix,
    frauds: int,
    *,
    trained: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
) -> Claims:
    """Claims of a fitted model; the golden rows are taken evenly from its training rows."""
    chosen = np.unique(np.linspace(0, len(features) - 1, GOLDEN_ROWS).astype(np.int64))
    golden = np.ascontiguousarray(features[chosen])
    sample = training_sample(features)
    return Claims(
        family=family,
        feature_names=list(FEATURE_NAMES),
        features_hash=features_hash(),
        calibration=calibration,
        golden_rows=golden.astype(np.float64).tolist(),
        golden_scores=calibration.probabilities(trees.margins(golden)).tolist(),
        rows=len(features),
        frauds=frauds,
        trained=dict(trained or {}),
        metrics=dict(metrics or {}),
        distributions=dict(sample.distributions),
        shares_up_to=dict(sample.shares_up_to),
    )


def as_model(
    name: str, version: str, trees: Trees, calibration: Calibration, sample: TrainingSample | None = None
) -> Model:
    """A booster and its calibration, as the scorer asks them. sample: of its training rows."""
    return Model(
        name,
        version,
        lambda matrix: calibration.probabilities(trees.margins(matrix)),
        trees.contributions,
        sample,
    )


def sha256_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def verify(folder: Path) -> Manifest:
    """A model file proves itself: its hash, its features, its golden rows.

    Parses the file, so it belongs in a process of its own until it has succeeded once.

    Raises:
        ModelRejected: which of them failed.
    """
    load_verified(folder)
    return read_manifest(folder)


def load_verified(folder: Path) -> Model:
    """A model that `verify` has passed on this machine; it proves itself again, as code and libraries may
    have changed since.

    Raises:
        ModelRejected: the file has changed, or this version of the code reads it differently.
    """
    manifest = read_manifest(folder)
    file = folder / MODEL_FILES[manifest.claims.family]
    _check_hash(file, manifest)
    _check_features(manifest)
    trees = load_booster(file, manifest.claims.family)
    claims = manifest.claims
    model = as_model(manifest.name, manifest.version, trees, claims.calibration, claims.sample)
    _check_golden(model.predict, manifest)
    return model


def _check_features(manifest: Manifest) -> None:
    if manifest.claims.features_hash != features_hash():
        raise ModelRejected(
            f"{manifest.name} version {manifest.version} was trained on other features",
            why=f"it has {len(manifest.claims.feature_names)}, hash {manifest.claims.features_hash}",
            next_step="train it again with this version of the features",
        )


def _check_hash(file: Path, manifest: Manifest) -> None:
    if not file.is_file() or sha256_of(file) != manifest.sha256:
        raise ModelRejected(
            f"{manifest.name} version {manifest.version} is not the file that was registered",
            why="its SHA-256 differs",
            next_step="register the model again",
        )


def _check_golden(predict: Predict, manifest: Manifest) -> None:
    rows, expected = manifest.claims.golden_rows, manifest.claims.golden_scores
    whole = len(rows) == len(expected) > 0 and all(len(row) == len(FEATURE_NAMES) for row in rows)
    if not whole or not _close(predict(np.array(rows, np.float32)), expected):
        raise ModelRejected(
            f"{manifest.name} version {manifest.version} does not reproduce its golden rows",
            why="it is damaged, or another library version reads it differently",
            next_step="train and register it again",
        )


def _close(scores: Scores, expected: list[float]) -> bool:
    return np.allclose(scores, np.array(expected), rtol=0, atol=GOLDEN_TOLERANCE)


def read_manifest(folder: Path) -> Manifest:
    try:
        return msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError) as error:
        raise ModelRejected(f"{folder.name} holds no readable manifest", why=str(error)) from error


def write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / MANIFEST_FILE).write_bytes(msgspec.json.encode(manifest))
