"""Models straight into the folder of verified ones, where a stack has no registry."""

from pathlib import Path

from deploy.jobs.training import Trained
from models.ab_test import create_default_ab_config
from models.boosters import MODEL_FILES, registered_name
from models.manifest import Manifest, claims_of, sha256_of, verify, write_manifest
from models.model_folder import ModelFolder

VERSION = "1"


def install(trained: Trained, home: Path) -> None:
    """Save, verify and put behind its variant's alias, as if it had been fetched."""
    folder = ModelFolder(home / "models")
    name = registered_name(trained.family)
    prepared = folder.workplace()
    file = prepared / MODEL_FILES[trained.family]
    trained.learned.booster.save_model(file)
    learned = trained.learned
    claims = claims_of(
        trained.family, learned.trees, learned.calibration, trained.features, int(trained.fraud.sum())
    )
    write_manifest(prepared, Manifest(name=name, version=VERSION, sha256=sha256_of(file), claims=claims))
    verify(prepared)
    folder.admit(prepared, name, VERSION)
    for variant in create_default_ab_config().variants:
        if variant.model_name == name:
            folder.remember(name, variant.alias, VERSION)
