"""Asking a registry for what is written to it at the end, before the minutes of work that come between."""

import os
from collections.abc import Callable
from typing import TypeVar

from models.errors import RegistryUnavailable
from streams.settings import Settings

Answer = TypeVar("Answer")


def ask_registry(settings: Settings, ask: Callable[[], Answer], otherwise: str) -> Answer:
    """What it answers. otherwise: what can be done without it.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    os.environ["MLFLOW_TRACKING_URI"] = settings.mlflow_tracking_uri
    try:
        return ask()
    except RegistryUnavailable as error:
        next_step = f"fraudml status, or {otherwise}"
        raise RegistryUnavailable(error.what, why=error.why, next_step=next_step) from error
