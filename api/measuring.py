"""How good what decides is: questions whose answers take seconds, apart from whatever decides."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import msgspec

from api.bulkhead import Bulkhead
from api.shared_answers import SharedAnswers
from models.scorer import Scorer
from streams.quality.questions import DriftQuestion, ModelInForce, Question

STATEMENT_S, ANSWER_S = 10.0, 20.0
WITHIN_S = 30.0  # with what waits before it
KEPT_S, MOST_KEPT = 60.0, 32


class Apart(Protocol):
    """`streams.quality.apart.QualityApart`."""

    def answer(self, question: Question) -> bytes: ...

    def close(self) -> None: ...


class Measuring:
    """apart: what answers, one question at a time. scorer: what is in force; None while nothing is."""

    def __init__(self, apart: Apart, scorer: Callable[[], Scorer | None]) -> None:
        self._scorer = scorer
        self._apart = apart
        self._thread = Bulkhead("quality", WITHIN_S)
        self._known = SharedAnswers(time.monotonic, MOST_KEPT)

    async def ask(self, question: Question) -> bytes:
        """Its document, as JSON; at most a minute old.

        Raises:
            LedgerUnavailable: Postgres cannot be reached.
            TooWide, NoTimeLeft: it takes too long.
        """
        asked = msgspec.json.encode(question)
        answer: bytes = await self._known.ask(asked, KEPT_S, lambda: self._answer(asked))
        return answer

    async def drift(self, since: datetime, until: datetime) -> bytes:
        """Of the models in force, likewise."""
        return await self.ask(DriftQuestion(since=since, until=until, models=models_in(self._scorer())))

    async def _answer(self, question: bytes) -> bytes:
        return await self._thread.run(self._apart.answer, msgspec.json.decode(question, type=Question))

    async def close(self) -> None:
        self._apart.close()
        await self._known.close()
        self._thread.close()


def models_in(scorer: Scorer | None) -> list[ModelInForce]:
    """Each once, with the variants that it decides for."""
    if scorer is None:
        return []
    found: dict[tuple[str, str], ModelInForce] = {}
    for variant, model in zip(scorer.variants, scorer.models, strict=True):
        known = found.get((model.name, model.version))
        names = [*(known.variants if known else []), variant.name]
        found[model.name, model.version] = ModelInForce(
            name=model.name, version=model.version, variants=names, sample=model.sample
        )
    return list(found.values())
