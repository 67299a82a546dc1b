"""Decisions with what became of them: features as they served, and labels as they were known at a time."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.boosters import Matrix, Scores
from models.decision import VERDICTS
from models.features import FEATURE_NAMES
from streams.ledger.connection import Connector

CHUNK_ROWS = 20_000
# A label counts from when the ledger took it; of two versions the latest that was known.
OUTCOMES = """
    SELECT (extract(epoch FROM event_time) * 1000)::bigint, customer_id, amount_minor, variant,
        decision::text, score, features, latest.label = 'fraud', model_name, model_version
    FROM decisions JOIN scorings USING (scoring_id)
    JOIN LATERAL (
        SELECT label FROM labels
        WHERE labels.transaction_id = decisions.transaction_id AND recorded_at <= %(as_of)s
        ORDER BY version DESC LIMIT 1
    ) AS latest ON latest.label <> 'unknown'
    WHERE event_time >= %(since)s AND event_time < %(until)s
        AND degraded_reason IS NULL AND NOT late AND feature_names = %(feature_names)s
        AND (%(ab_version)s::text IS NULL OR ab_version = %(ab_version)s)
    ORDER BY event_time, transaction_id
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Labelled decisions in event-time order. All of length n.

    models: by variant, which versions decided, as NAME@VERSION.
    variant: indices into `variants`. verdict: indices into VERDICTS. features: float32 (n, len(FEATURES)).
    """

    event_time_ms: NDArray[np.int64]
    customer_id: list[str]
    amount_minor: NDArray[np.int64]
    variants: list[str]
    variant: NDArray[np.int64]
    verdict: NDArray[np.int8]
    score: Scores
    features: Matrix
    fraud: NDArray[np.int8]
    models: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.event_time_ms)


def outcomes_of(
    url: str,
    timeout_s: float,
    since: datetime,
    until: datetime,
    as_of: datetime,
    ab_version: str | None = None,
) -> Outcomes:
    """Decisions of a range of event time that had a label by `as_of`; without late and degraded ones.

    ab_version: of the split that dealt them; None takes all.

    Raises:
        LedgerUnavailable: Postgres cannot be reached.
    """
    asked = {
        "since": since,
        "until": until,
        "as_of": as_of,
        "feature_names": list(FEATURE_NAMES),
        "ab_version": ab_version,
    }
    with closing(Connector(url, timeout_s, "fraudml-outcomes")) as connector:
        return _gathered([row for chunk in _chunks(connector, asked) for row in chunk])


def _chunks(connector: Connector, asked: dict[str, Any]) -> Iterator[list[Any]]:
    with connector.use() as connection, connection.transaction(), connection.cursor("outcomes") as cursor:
        cursor.itersize = CHUNK_ROWS
        cursor.execute(OUTCOMES, asked)
        while chunk := cursor.fetchmany(CHUNK_ROWS):
            yield chunk


def _gathered(rows: list[Any]) -> Outcomes:
    times, customers, amounts, variants, decisions, scores, features, frauds, *models = (
        [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(10)]
    )
    names = sorted(set(variants))
    matrix = np.frombuffer(b"".join(bytes(each) for each in features), "<f4")
    return Outcomes(
        event_time_ms=np.array(times, np.int64),
        customer_id=customers,
        amount_minor=np.array(amounts, np.int64),
        variants=names,
        variant=np.array([names.index(each) for each in variants], np.int64),
        verdict=np.array([VERDICTS.index(each) for each in decisions], np.int8),
        score=np.array(scores, np.float64),
        features=matrix.reshape(-1, len(FEATURE_NAMES)).astype(np.float32),
        fraud=np.array(frauds, np.int8),
        models=_models(variants, *models),
    )


def _models(variants: list[str], names: list[str], versions: list[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for variant, name, version in zip(variants, names, versions, strict=True):
        found.setdefault(variant, set()).add(f"{name}@{version}")
    return {variant: sorted(models) for variant, models in found.items()}
