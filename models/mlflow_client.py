"""MLflow's client: quiet, with time-outs, and its exceptions end here."""

import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any
from urllib.parse import urlsplit

from models.errors import BadSetting, FraudError, RegistryUnavailable

# By default the client tries for many minutes before it says that nobody is there, and tells its makers.
CLIENT_LIMITS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}
# Beneath MLflow, urllib3 warns of each new attempt; what came of them is told once.
QUIETER = {"mlflow": logging.WARNING, "urllib3.connectionpool": logging.ERROR}
# Who we are at an address, password and all.
IDENTITY = re.compile(r"://[^/?#\s]*@")
STACKS_ADDRESS = 'set -a; . "${FRAUDML_HOME:-.fraudml}/stack.env"; set +a'
OR_ANOTHER = "or mlflow.set_tracking_uri with the address that fraudml config shows"


@contextmanager
def quiet_mlflow() -> Iterator[Any]:
    """The module, for the calls within.

    Raises:
        BadSetting: nobody said where it is, or what was said is no address.
        RegistryUnavailable: it cannot be reached, or failed.
    """
    for name, value in CLIENT_LIMITS.items():
        os.environ.setdefault(name, value)
    import mlflow
    from google.protobuf.json_format import ParseError
    from mlflow.exceptions import MlflowException
    from requests.exceptions import RequestException

    for logger, level in QUIETER.items():
        logging.getLogger(logger).setLevel(level)
    address = _address(mlflow)
    try:
        # It prints to both streams, and ours carry data and our own words.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            yield mlflow
    except (MlflowException, RequestException, ParseError) as error:
        raise _named(error, address) from error


def _address(mlflow: Any) -> str:
    """Where it is, without a password. Left to itself it makes a file in the current folder."""
    if not mlflow.is_tracking_uri_set():
        raise BadSetting(
            "nobody said where MLflow is",
            why="MLFLOW_TRACKING_URI is not set; workers would see nothing of a new file in this folder",
            next_step=f"{STACKS_ADDRESS}, {OR_ANOTHER}",
        )
    try:
        parts = urlsplit(mlflow.get_tracking_uri())
        _ = parts.port  # read, and checked, only when it is asked for
        if parts.scheme.startswith("http") and not parts.hostname:
            raise ValueError("it has no host")
    except ValueError as error:
        raise _no_address(str(error)) from error
    return IDENTITY.sub("://", mlflow.get_tracking_uri())


def _no_address(why: str) -> BadSetting:
    cure = "set it to one such as http://127.0.0.1:5000"
    return BadSetting("MLFLOW_TRACKING_URI is no address", why=why, next_step=cure)


def _named(error: Exception, address: str) -> FraudError:
    from google.protobuf.json_format import ParseError
    from requests import exceptions as http

    why = IDENTITY.sub("://", str(error).strip().split("\n")[0])
    # MLflow says in words alone what it was that failed beneath it.
    beneath = error if isinstance(error, http.RequestException) else error.__cause__ or error.__context__
    if isinstance(beneath, http.InvalidURL):
        return _no_address(str(beneath))
    if isinstance(beneath, http.RetryError):
        return RegistryUnavailable(
            f"MLflow answers with errors at {address}", next_step="fraudml status, and MLflow's own log"
        )
    if isinstance(beneath, http.ConnectionError | http.Timeout):
        return RegistryUnavailable(f"MLflow does not answer at {address}", next_step="fraudml status")
    if isinstance(error, ParseError):
        return RegistryUnavailable(
            f"what answers at {address} is not MLflow",
            why=why,
            next_step="check MLFLOW_TRACKING_URI",
        )
    return RegistryUnavailable("MLflow failed", why=why, next_step="fraudml status")
