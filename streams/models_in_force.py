"""The models that decide: those behind the aliases of the A/B config, from the folder of verified ones.

The registry is asked for an alias's version over plain HTTP; a version that is not here yet is fetched and
verified by a process of its own, so that neither MLflow nor an unproven file enters this one.
"""

import os
import subprocess
import sys

import httpx
import structlog

from models.ab_test import ABTestRouter, Variant, create_default_ab_config
from models.errors import ModelRejected, RegistryUnavailable
from models.manifest import ModelFolder, load_verified
from models.scorer import Model, Scorer
from streams.settings import Settings

log = structlog.get_logger(__name__)

ALIAS_PATH = "/api/2.0/mlflow/registered-models/alias"
ASK_TIMEOUT_S = 3.0


def load_scorer(settings: Settings) -> Scorer:
    """The scorer of the default split.

    Raises:
        RegistryUnavailable: a model is neither here nor to be had now.
        ModelRejected: a model is not what it claims to be.
    """
    router = ABTestRouter(create_default_ab_config())
    folder = ModelFolder(settings.home / "models")
    return Scorer(router, [load_variant(settings, folder, variant) for variant in router.config.variants])


def all_registered(settings: Settings) -> bool:
    """Whether the registry answers and has a version for every variant of the default split."""
    try:
        for variant in create_default_ab_config().variants:
            version_of(settings, variant.model_name, variant.alias)
    except RegistryUnavailable:
        return False
    return True


def load_variant(settings: Settings, folder: ModelFolder, variant: Variant) -> Model:
    """The model of one variant; the last good one here while there is no newer one to be had."""
    name, alias = variant.model_name, variant.alias
    try:
        version = version_of(settings, name, alias)
        if not folder.has(name, version):
            version = fetch_apart(settings, folder, name, alias)
        folder.remember(name, alias, version)
    except (RegistryUnavailable, ModelRejected) as error:
        known = folder.remembered(name, alias)
        if known is None:
            raise
        log.warning(error.code, why=str(error), model=name, stays=known)
        version = known
    return load_verified(folder.folder(name, version))


def version_of(settings: Settings, name: str, alias: str) -> str:
    """The version behind an alias, as the registry says now.

    Raises:
        RegistryUnavailable: no answer, or nothing stands behind the alias yet.
    """
    url = settings.mlflow_tracking_uri.rstrip("/") + ALIAS_PATH
    try:
        answer = httpx.get(url, params={"name": name, "alias": alias}, timeout=ASK_TIMEOUT_S)
    except httpx.HTTPError as error:
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
        return str(answer.json()["model_version"]["version"])
    except (ValueError, KeyError, TypeError):
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
    command = [sys.executable, "-m", "models.mlflow_registry", name, alias, str(folder.root)]
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
