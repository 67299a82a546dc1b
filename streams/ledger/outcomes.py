"""Decisions with what became of them: features as they served, and labels as they were known at a time."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ab_report import Rows
from models.ab_test import ABConfig
from models.boosters import Matrix, Scores
from models.decision import VERDICTS
from models.features import FEATURE_NAMES
from models.ranking import Codes
from streams.ledger.connection import Connector

CHUNK_ROWS = 20_000
COLUMNS = (
    "(extract(epoch FROM event_time) * 1000)::bigint", "customer_id", "amount_minor", "variant",
    "decision::text", "score", "latest.label = 'fraud'", "model_name", "model_version",
)  # fmt: skip
# A label counts from when the ledger took it; of two versions the latest that was known.
OUTCOMES = f"""
    SELECT {", ".join(COLUMNS)}, features
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
class Labelled:
    """Labelled decisions in event-time order. All of length n.

    models: by variant, which versions decided, as NAME@VERSION.
    variant: indices into `variants`. verdict: indices into VERDICTS.
    """

    event_time_ms: NDArray[np.int64]
    customer_id: list[str]
    amount_minor: NDArray[np.int64]
    variants: list[str]
    variant: NDArray[np.int64]
    verdict: NDArray[np.int8]
    score: Scores
    fraud: NDArray[np.int8]
    models: dict[str, list[str]]

    def __len__(self) -> int:
        return len(self.event_time_ms)

    def rows(self, customer: Codes) -> Rows:
        """All of them. customer: a number for each row's, (n,)."""
        return Rows(
            customer=customer,
            score=self.score,
            verdict=self.verdict,
            amount_minor=self.amount_minor,
            fraud=self.fraud,
        )

    def by_variant(self, split: ABConfig, customer: Codes) -> dict[str, Rows]:
        """Those of the variants that a split has, in its order. customer: as above."""
        rows = self.rows(customer)
        known = [each.name for each in split.variants if each.name in self.variants]
        return {name: rows.where(self.variant == self.variants.index(name)) for name in known}


@dataclass(frozen=True, slots=True)
class Outcomes(Labelled):
    """features: float32 (n, len(FEATURES))."""

    features: Matrix


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
    *columns, features = columns_of(rows, len(COLUMNS) + 1)
    matrix = np.frombuffer(b"".join(bytes(each) for each in features), "<f4")
    return Outcomes(
        **labelled_fields(columns), features=matrix.reshape(-1, len(FEATURE_NAMES)).astype(np.float32)
    )


def columns_of(rows: Sequence[Sequence[Any]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


def labelled_fields(columns: Sequence[list[Any]]) -> dict[str, Any]:
    """The fields of `Labelled`, from the columns that `COLUMNS` names."""
    times, customers, amounts, variants, decisions, scores, frauds, *models = columns
    names = sorted(set(variants))
    number = {name: place for place, name in enumerate(names)}
    verdict = {name: place for place, name in enumerate(VERDICTS)}
    return {
        "event_time_ms": np.array(times, np.int64),
        "customer_id": customers,
        "amount_minor": np.array(amounts, np.int64),
        "variants": names,
        "variant": np.array([number[each] for each in variants], np.int64),
        "verdict": np.array([verdict[each] for each in decisions], np.int8),
        "score": np.array(scores, np.float64),
        "fraud": np.array(frauds, np.int8),
        "models": _models(variants, *models),
    }


def _models(variants: list[str], names: list[str], versions: list[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for variant, name, version in zip(variants, names, versions, strict=True):
        found.setdefault(variant, set()).add(f"{name}@{version}")
    return {variant: sorted(models) for variant, models in found.items()}
