"""MLflow, as a worker asks it: over HTTP for a version, and through a process of its own for the model."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import msgspec

from models.ab_test import Variant
from models.boosters import Family
from models.manifest import FILES_TAG, write_manifest
from models.model_folder import ModelFolder
from tests.unit.models.trained import manifest_of, model_folder

CHAMPION = Variant("champion", "FraudDetection_XGBoost", "champion", 1.0)
CHALLENGER = Variant("challenger", "FraudDetection_LightGBM", "challenger", 0.0)
FAMILY: dict[str, Family] = {"FraudDetection_XGBoost": "xgboost", "FraudDetection_LightGBM": "lightgbm"}


class Registry:
    """Answers and admits models as told. versions: by name and alias; answer, outcome: in place of that."""

    def __init__(self, folder: ModelFolder, tmp_path: Path) -> None:
        self.versions = {(v.model_name, v.alias): "3" for v in (CHAMPION, CHALLENGER)}
        self.hashes = ""  # of the files, as registered
        self.answer: Callable[[], httpx.Response] | None = None
        self.asked: list[tuple[str, Any]] = []
        self.fetched: list[list[str]] = []
        self.outcome: Callable[[list[str]], Any] = self._admit
        self._folder = folder
        self._tmp_path = tmp_path

    def get(self, url: str, params: dict[str, str]) -> httpx.Response:
        self.asked.append((url, params))
        if self.answer is not None:
            return self.answer()
        version = self.versions.get((params["name"], params["alias"]))
        if version is None:
            return httpx.Response(404, json={"error_code": "RESOURCE_DOES_NOT_EXIST"})
        tags = [{"key": FILES_TAG, "value": self.hashes}] if self.hashes else []
        return httpx.Response(200, json={"model_version": {"version": version, "tags": tags}})

    def run(self, command: list[str], **options: Any) -> Any:
        self.fetched.append(command[1:])
        return self.outcome(command)

    def _admit(self, command: list[str]) -> Any:
        """As `models.mlflow_fetch` does it: the verified folder in place, its version printed."""
        name, alias = command[3], command[4]
        version = self.versions[name, alias]
        prepared = model_folder(self._tmp_path, FAMILY[name])
        write_manifest(prepared, msgspec.structs.replace(manifest_of(FAMILY[name]), version=version))
        self._folder.admit(prepared, name, version)
        return ended(stdout=f"{version}\n")

    def is_away(self) -> None:
        def refuse() -> httpx.Response:
            raise httpx.ConnectError("connection refused")

        self.answer = refuse


def ended(code: int = 0, stdout: str = "", stderr: str = "") -> Any:
    return subprocess.CompletedProcess([], code, stdout, stderr)
