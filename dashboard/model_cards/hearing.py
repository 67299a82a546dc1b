"""Questions beside each other: what is slow or fails holds up nothing else."""

import asyncio
from dataclasses import dataclass
from typing import Any, NamedTuple

from api.shared_answers import SharedAnswers
from dashboard.asking import Asking
from dashboard.gateway import TIMEOUT_S
from models.errors import FraudError, Unauthenticated

# A page waits for an answer no longer than that; what comes later is shown at the next look.
PATIENCE_S = 0.3


class Question(NamedTuple):
    """fresh_s: an answer is told again for so long, a failure too. only: the fields that are wanted of the
    document; all where none is named.
    """

    path: str
    fresh_s: float
    parameters: tuple[tuple[str, str | int | float], ...] = ()
    only: tuple[str, ...] = ()
    within_s: float = TIMEOUT_S


class Key(NamedTuple):
    """What is told to all of a role."""

    role: str
    question: Question


@dataclass(frozen=True, eq=False)
class Heard:
    """What is known of a question; the very same object while nothing new is.

    document: as told last, None while nothing was. trouble: why there is nothing newer.
    """

    document: Any = None
    trouble: FraudError | None = None


NOTHING_YET = Heard()


async def hear(asking: Asking, question: Question, patience_s: float = PATIENCE_S) -> Heard:
    """
    Raises:
        Unauthenticated: whoever asks is signed in no more.
    """
    key = Key(asking.session.role, question)
    answer = asking.shared.ask(key, question.fresh_s, lambda: _asked(asking, question, key))
    try:
        return await asyncio.wait_for(answer, patience_s)
    except TimeoutError:
        return asking.shared.last(key) or NOTHING_YET


def outdate(shared: SharedAnswers, *paths: str) -> None:
    """Something was done that changes what is told there, to whomever."""
    shared.outdate(lambda key: isinstance(key, Key) and key.question.path in paths)


async def _asked(asking: Asking, question: Question, key: Key) -> Heard:
    last: Heard = asking.shared.last(key) or NOTHING_YET
    parameters, token = dict(question.parameters), asking.session.token
    try:
        told = await asking.gateway.get(question.path, token, parameters, within_s=question.within_s)
    except Unauthenticated:
        raise
    except FraudError as error:
        return Heard(last.document, error)
    document = {name: told[name] for name in question.only} if question.only else told
    return last if last.trouble is None and last.document == document else Heard(document)
