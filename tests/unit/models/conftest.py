"""An MLflow store in a file, one for each module of tests that asks for it."""

from collections.abc import Iterator
from typing import Any

import pytest

from models.mlflow_client import CLIENT_LIMITS


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An empty store; its address."""
    folder = tmp_path_factory.mktemp("mlflow")
    address = f"sqlite:///{folder}/mlflow.db"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", address)
        for name, value in CLIENT_LIMITS.items():
            patch.setenv(name, value)
        yield address


@pytest.fixture(scope="module")
def client(store: str) -> Any:
    """MLflow's own client of the store."""
    from mlflow import MlflowClient

    return MlflowClient()
