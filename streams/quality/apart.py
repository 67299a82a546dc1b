"""Questions about what decides, each answered by a process of its own."""

import os
import subprocess
import sys
from contextlib import suppress
from threading import Lock

import msgspec

from models.errors import FraudError, LedgerUnavailable, NoTimeLeft, TooWide, Unavailable
from models.mlflow_ask import Failure
from streams.files_of_secrets import newest
from streams.quality.questions import Asked, Question

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
ERRORS: dict[str, type[FraudError]] = {error.code: error for error in (LedgerUnavailable, TooWide)}


class QualityApart:
    """One question at a time. statement_s: of Postgres. within_s: of all of it."""

    def __init__(self, database_url: str, statement_s: float, within_s: float) -> None:
        self._url = database_url
        self._statement_s = statement_s
        self._within_s = within_s
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()
        self._closed = False

    def answer(self, question: Question) -> bytes:
        """The document, as JSON.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
            TooWide: Postgres takes too long.
            NoTimeLeft: all of it does.
            Unavailable: the process ended otherwise.
        """
        asked = Asked(question=question, database_url=newest(self._url), timeout_s=self._statement_s)
        with self._start() as process:
            try:
                told, failed = process.communicate(msgspec.json.encode(asked), self._within_s)
            except subprocess.TimeoutExpired:
                raise NoTimeLeft(
                    f"there was no answer within {self._within_s:g} s", next_step="narrow it with from and to"
                ) from None
            finally:
                process.kill()
        if process.returncode == 0:
            return told
        raise _error(process.returncode, failed)

    def close(self) -> None:
        """Nobody waits for what is under way."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                with suppress(ProcessLookupError):
                    self._process.kill()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._closed:
                raise Unavailable("the gateway is being stopped")
            self._process = subprocess.Popen(
                [sys.executable, "-m", "streams.quality.program"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=os.environ | ONE_THREAD,
            )
            return self._process


def _error(status: int, told: bytes) -> FraudError:
    try:
        failure = msgspec.json.decode(told, type=Failure)
    except msgspec.DecodeError:
        return Unavailable("it could not be computed", why=f"the process that did ended with {status}")
    kind = ERRORS.get(failure.code, Unavailable)
    return kind(failure.what, why=failure.why, next_step=failure.next_step)
