"""The registry's promotions, asked by a process of its own for each question."""

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from models.errors import FraudError, Misuse, NotFound, RegistryUnavailable
from models.mlflow_ask import Call, Failure, Question
from models.promotions import Model, Promotion
from streams.settings import Settings

Answer = TypeVar("Answer")

# What the person who asks can mend, by code; all else is the registry's.
ERRORS: dict[str, type[FraudError]] = {error.code: error for error in (Misuse, NotFound)}


class RegistryApart:
    """As the functions of `models.promotions`, and with a time-out.

    Raises, everywhere:
        RegistryUnavailable: MLflow cannot be reached, or took too long: it may have been done all the same.
    """

    def __init__(self, settings: Settings) -> None:
        self._uri = settings.mlflow_tracking_uri
        self._timeout_s = settings.registry_timeout_s

    def shown(self, names: Sequence[str]) -> list[Model]:
        return self._ask("shown", list[Model], names=list(names))

    def promote(self, name: str, alias: str, version: str | None, *, who: str | None, why: str) -> Promotion:
        return self._ask("promote", Promotion, name=name, alias=alias, version=version, who=who, why=why)

    def roll_back(self, name: str, alias: str, *, who: str | None, why: str) -> Promotion:
        return self._ask("roll_back", Promotion, name=name, alias=alias, who=who, why=why)

    def _ask(self, call: Call, kind: type[Answer], **words: Any) -> Answer:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "models.mlflow_ask"],
                input=msgspec.json.encode(Question(call, words)),
                env=os.environ | {"MLFLOW_TRACKING_URI": self._uri},
                capture_output=True,
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise RegistryUnavailable(
                "MLflow took too long", why=f"there was no answer within {self._timeout_s:g} s"
            ) from error
        if done.returncode == 0:
            return msgspec.json.decode(done.stdout, type=kind)
        raise _error(done.returncode, done.stderr)


def _error(status: int, told: bytes) -> FraudError:
    try:
        failure = msgspec.json.decode(told, type=Failure)
    except msgspec.DecodeError:
        return RegistryUnavailable("MLflow failed", why=f"the process that asked it ended with {status}")
    kind = ERRORS.get(failure.code, RegistryUnavailable)
    return kind(failure.what, why=failure.why, next_step=failure.next_step)
