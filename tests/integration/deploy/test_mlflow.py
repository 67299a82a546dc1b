"""MLflow in the stack: on our Postgres, in one process."""

import os
import signal
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.stack.waiting import until
from tests.integration.deploy.stacks import pid_of, processes_of, small_stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(400)]


@pytest.mark.slow
def test_mlflow_keeps_what_it_is_told_through_a_kill(tmp_path: Path) -> None:
    stack = small_stack(tmp_path)
    stack.up(("postgres", "mlflow"), workers=0)
    try:
        address = stack.env()["MLFLOW_TRACKING_URI"]
        made = httpx.post(f"{address}/api/2.0/mlflow/experiments/create", json={"name": "kept"}, timeout=30)
        assert made.status_code == 200
        first = stack.pid("mlflow")
        assert psutil.Process(first).children() == []
        os.kill(first, signal.SIGKILL)
        until(lambda: pid_of(stack, "mlflow") not in (None, first), within_s=20)
        stack.wait_ready("mlflow")
        found = httpx.get(
            f"{address}/api/2.0/mlflow/experiments/get-by-name",
            params={"experiment_name": "kept"},
            timeout=30,
        ).json()["experiment"]
        assert found["experiment_id"] == made.json()["experiment_id"]
        assert found["artifact_location"].startswith("mlflow-artifacts:/")
    finally:
        stack.down(remove_data=True)
    assert processes_of(stack.home) == []
