"""The registry, as a worker asks it: over plain HTTP for a version, and through a process of its own for a
model.

So neither MLflow nor an unproven file enters the process that decides.
"""

import os
import subprocess
import sys
from functools import cache
from typing import NamedTuple

import httpx

from models.errors import ModelRejected, RegistryUnavailable
from models.manifest import FILES_TAG
from models.model_folder import ModelFolder
from streams.settings import Settings

ALIAS_PATH = "/api/2.0/mlflow/registered-models/alias"
ASK_TIMEOUT_S = 3.0


@cache
def _client() -> httpx.Client:
    """One for all questions: making one takes tens of milliseconds, and sweeps would wait for it."""
    return httpx.Client(timeout=ASK_TIMEOUT_S)


class Registered(NamedTuple):
    """What stands behind an alias. hashes: of its files, as they were registered; empty if we did not."""

    version: str
    hashes: str


def registered(settings: Settings, name: str, alias: str) -> Registered:
    """The version behind an alias, as the registry says now.

    Raises:
        RegistryUnavailable: no answer, or nothing stands behind the alias yet.
    """
    url = settings.mlflow_tracking_uri.rstrip("/") + ALIAS_PATH
    try:
        answer = _client().get(url, params={"name": name, "alias": alias})
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise RegistryUnavailable("MLflow does not answer", why=str(error)) from error
    if answer.status_code == httpx.codes.NOT_FOUND or answer.status_code == httpx.codes.BAD_REQUEST:
        raise RegistryUnavailable(
            f"no version of {name} is {alias}",
            why="none has been trained and promoted yet",
            next_step="fraudml demo, or fraudml train",
        )
    if answer.is_error:
        raise RegistryUnavailable("MLflow answers with an error", why=f"status {answer.status_code}")
    try:
        found = answer.json()["model_version"]
        tags = {tag["key"]: tag["value"] for tag in found.get("tags", [])}
        return Registered(str(int(found["version"])), str(tags.get(FILES_TAG, "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RegistryUnavailable(
            "what answers is not MLflow",
            why="no version in its answer",
            next_step="check MLFLOW_TRACKING_URI",
        ) from None


def fetch_apart(settings: Settings, folder: ModelFolder, name: str, alias: str) -> str:
    """Fetch and verify in a process of its own: a damaged file may end the process that reads it.

    Raises:
        RegistryUnavailable: MLflow failed, or took too long.
        ModelRejected: the model is not what it claims to be.
    """
    command = [sys.executable, "-m", "models.mlflow_fetch", name, alias, str(folder.root)]
    if settings.model_public_key is not None:
        command.append(str(settings.model_public_key))
    environment = os.environ | {"MLFLOW_TRACKING_URI": settings.mlflow_tracking_uri, "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            timeout=settings.registry_timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RegistryUnavailable("fetching a model took too long", why=f"{name}, alias {alias}") from error
    if done.returncode == 0:
        return done.stdout.strip().splitlines()[-1]
    code, _, words = (done.stderr.strip().splitlines() or [""])[-1].partition("\t")
    if code == RegistryUnavailable.code:
        raise RegistryUnavailable("MLflow failed while a model was fetched", why=words)
    why = words or f"the process that read it ended with {done.returncode}"
    raise ModelRejected(f"{name}, alias {alias}, was not accepted", why=why)
