"""Small seeded training rows, boosters fitted to them, and model folders that hold those."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.boosters import MODEL_FILES, Family, Matrix, registered_name, trees_of
from models.calibration import Calibration
from models.features import FEATURE_NAMES, FEATURES
from models.manifest import Manifest, claims_of, write_manifest
from models.recipes import Recipe, recipe_of
from models.train import fit

ROWS = 1500
CALIBRATION = Calibration(0.9, -0.1)
AMOUNT = FEATURE_NAMES.index("amount_minor")
SHARE = FEATURE_NAMES.index("terminal_fraud_share_7d")


@dataclass(frozen=True)
class Rows:
    """features: float32 (n, len(FEATURES)). fraud: above 220.00, or at a terminal of many frauds."""

    features: Matrix
    fraud: NDArray[np.int8]


@cache
def rows(count: int = ROWS, seed: int = 1) -> Rows:
    rng = np.random.default_rng(seed)
    features = rng.random((count, len(FEATURES))).astype(np.float32)
    features[:, AMOUNT] = rng.integers(0, 24_000, count)
    fraud = (features[:, AMOUNT] > 22_000) | (features[:, SHARE] > 0.95)
    return Rows(features, fraud.astype(np.int8))


def few_trees(family: Family, trees: int = 20) -> Recipe:
    """The family's own recipe, cut short."""
    return Recipe(family, trees, recipe_of(family).parameters)


@cache
def booster(family: Family) -> Any:
    return fit(family, rows().features, rows().fraud, seed=1, recipe=few_trees(family))


@cache
def model_bytes(family: Family) -> bytes:
    """The booster as its library writes it."""
    if family == "xgboost":
        return bytes(booster(family).save_raw("ubj"))
    text: str = booster(family).model_to_string()
    return text.encode()


def model_file(folder: Path, family: Family, content: bytes | None = None) -> Path:
    """The booster, or other content, under the name it has in a folder of models."""
    file = folder / MODEL_FILES[family]
    file.write_bytes(model_bytes(family) if content is None else content)
    return file


def manifest_of(family: Family, content: bytes | None = None, **claimed: Any) -> Manifest:
    """What the booster says of itself, with some claims replaced."""
    sample = rows()
    claims = claims_of(
        family,
        trees_of(booster(family), family),
        CALIBRATION,
        sample.features,
        int(sample.fraud.sum()),
        trained={"start": "2026-01-01"},
    )
    return Manifest(
        name=registered_name(family),
        version="3",
        sha256=hashlib.sha256(model_bytes(family) if content is None else content).hexdigest(),
        claims=msgspec.structs.replace(claims, **claimed),
    )


def model_folder(root: Path, family: Family, content: bytes | None = None, **claimed: Any) -> Path:
    """A folder of one model: its file, or other content with a hash that fits, and its manifest."""
    folder = root / f"{family}-model"
    folder.mkdir()
    model_file(folder, family, content)
    write_manifest(folder, manifest_of(family, content, **claimed))
    return folder
