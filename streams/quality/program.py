"""`python -m streams.quality.program`: one question on stdin, its document on stdout.

So that what takes seconds of a processor and much memory stays out of a process that decides.
"""

import os
import sys

import msgspec

from models.errors import FraudError
from models.mlflow_ask import Failure
from streams.quality.answering import answer
from streams.quality.questions import Asked

NICENESS = 10  # who decides goes first


def main() -> int:
    os.nice(NICENESS)
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    try:
        document = answer(asked)
    except FraudError as error:
        failure = Failure(error.code, error.what, error.why, error.next_step)
        sys.stderr.buffer.write(msgspec.json.encode(failure))
        return 1
    sys.stdout.buffer.write(msgspec.json.encode(document))
    return 0


if __name__ == "__main__":
    sys.exit(main())
