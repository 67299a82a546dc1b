"""Fetch one model from MLflow into the local folder, once it has proven itself.

A program of its own, so that `mlflow` is never imported, and no unproven file read, where scores are
computed: `python -m models.mlflow_fetch NAME ALIAS FOLDER [PUBLIC_KEY]`.
"""

import os
import resource
import shutil
import sys
from pathlib import Path

import msgspec
import yaml

from models.boosters import MODEL_FILES
from models.errors import FraudError, ModelRejected
from models.manifest import FILES_TAG, Claims, Manifest, sha256_of, verify, write_manifest
from models.mlflow_client import quiet_mlflow
from models.mlflow_registry import CLAIMS_KEY, LOGGED_FILES, SIGNATURE_TAG, hashes_of
from models.model_folder import ModelFolder
from models.signature import check_signature

LIMITS = {
    resource.RLIMIT_CPU: 60,  # seconds
    resource.RLIMIT_AS: 8 << 30,
    resource.RLIMIT_FSIZE: 1 << 30,
    resource.RLIMIT_CORE: 0,
}
# What decides goes first, but a busy machine must not keep a version waiting for ever.
NICENESS = 15


def fetch(name: str, alias: str, models: ModelFolder, public_key: Path | None = None) -> Manifest:
    """Bring the version behind an alias into the local folder, once it has proven itself.

    Parses a file from outside: call it in a process of its own. public_key: the file must be signed by its
    holder.

    Raises:
        ModelRejected: a file is not what was registered, or not what it claims to be.
        RegistryUnavailable: MLflow cannot be reached.
    """
    place = models.workplace()
    downloaded = place / "downloaded"
    downloaded.mkdir()
    try:
        with quiet_mlflow() as mlflow:
            found = mlflow.MlflowClient().get_model_version_by_alias(name, alias)
            registered = found.tags.get(FILES_TAG, "")
            if public_key is not None:
                check_signature(public_key, name, registered, found.tags.get(SIGNATURE_TAG))
            source = Path(
                mlflow.artifacts.download_artifacts(
                    artifact_uri=f"models:/{name}/{found.version}", dst_path=str(downloaded)
                )
            )
            _check_files(source, f"{name} version {found.version}", registered)
            claims = _claims(source, name)
        prepared = _prepared(place / "prepared", source, name, str(found.version), claims)
        manifest = verify(prepared)
        models.admit(prepared, name, manifest.version)
        return manifest
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _check_files(source: Path, which: str, registered: str) -> None:
    """Every file as it was registered, and no other."""
    try:
        expected = msgspec.json.decode(registered, type=dict[str, str])
    except msgspec.DecodeError as error:
        raise ModelRejected(
            f"{which} was not logged by log_model_to_mlflow",
            why="its files have no registered hashes",
            next_step="log it again with it",
        ) from error
    found = hashes_of(source)
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    if wrong:
        raise ModelRejected(
            f"{which} is not what was registered",
            why=f"{wrong[0]} is missing, new or has another SHA-256",
            next_step="train and register it again",
        )


def _prepared(folder: Path, source: Path, name: str, version: str, claims: Claims) -> Path:
    file = source / LOGGED_FILES[claims.family]
    if not file.is_file():
        raise ModelRejected(f"{name} version {version} holds no {LOGGED_FILES[claims.family]}")
    folder.mkdir()
    copied = folder / MODEL_FILES[claims.family]
    shutil.copyfile(file, copied)
    write_manifest(folder, Manifest(name=name, version=version, sha256=sha256_of(copied), claims=claims))
    return folder


def _claims(source: Path, name: str) -> Claims:
    """From the model's own description; MLflow's reader of it would bring pandas along."""
    try:
        described = yaml.safe_load((source / "MLmodel").read_text())
        return msgspec.convert(described["metadata"][CLAIMS_KEY], Claims)
    except (OSError, yaml.YAMLError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise ModelRejected(
            f"{name} was not logged by log_model_to_mlflow", why=str(error), next_step="log it again with it"
        ) from error


def limit_ourselves() -> None:
    """A file that makes its reader compute, grow or write without end ends this process, and no other.

    And it computes while others leave the processor free.
    """
    for what, most in LIMITS.items():
        _, allowed = resource.getrlimit(what)
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(what, (most, allowed))
    os.nice(NICENESS)


def main(arguments: list[str]) -> int:
    name, alias, folder, *public_key = arguments
    try:
        manifest = fetch(name, alias, ModelFolder(Path(folder)), *map(Path, public_key))
    except FraudError as error:
        print(f"{error.code}\t{error}", file=sys.stderr)  # noqa: T201
        return 1
    print(manifest.version)  # noqa: T201
    return 0


if __name__ == "__main__":
    limit_ourselves()
    sys.exit(main(sys.argv[1:]))
