"""MLflow's client: quiet, with time-outs, and its exceptions end here."""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

from models.errors import RegistryUnavailable

# By default the client tries for many minutes before it says that nobody is there, and tells its makers.
CLIENT_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


@contextmanager
def quiet_mlflow() -> Iterator[Any]:
    """The module, for the calls within.

    Raises:
        RegistryUnavailable: it cannot be reached, or failed.
    """
    import logging

    for name, value in CLIENT_LIMITS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from mlflow.exceptions import MlflowException

    logging.getLogger("mlflow").setLevel(logging.WARNING)
    try:
        # It prints to both streams, and ours carry data and our own words.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield mlflow
    except MlflowException as error:
        why = str(error).split("\n")[0]
        raise RegistryUnavailable("MLflow failed", why=why, next_step="fraudml status") from error
