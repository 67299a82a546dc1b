"""What `models.promotions` does, in a program of its own: `python -m models.mlflow_ask`, which reads one
question from stdin and answers on stdout.

So that `mlflow`, which takes seconds to import and exchanges the process' streams, stays out of a process
that others wait for.
"""

import sys
from typing import Any, Literal

import msgspec

from models import promotions
from models.errors import FraudError

Call = Literal["shown", "promote", "roll_back"]


class Question(msgspec.Struct, frozen=True):
    """A function of `models.promotions`, and what it is called with."""

    call: Call
    words: dict[str, Any]


class Failure(msgspec.Struct, frozen=True):
    """One of our errors, as it is told to whoever asked."""

    code: str
    what: str
    why: str
    next_step: str


def main() -> int:
    question = msgspec.json.decode(sys.stdin.buffer.read(), type=Question)
    try:
        answer = getattr(promotions, question.call)(**question.words)
    except FraudError as error:
        failure = Failure(error.code, error.what, error.why, error.next_step)
        sys.stderr.buffer.write(msgspec.json.encode(failure))
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
