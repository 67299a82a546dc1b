"""A drill's account: whatever is lost, doubled or different is counted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from load.chaos.obedience import Obedience
from load.chaos.tally import Tally, replayed, tally, undisturbed
from load.columns import Transactions, concatenated
from load.generator import simulate
from load.parameters import SimulatorParameters
from models.ab_test import ABTestRouter, create_default_ab_config
from models.decision import DecidedTransaction, alert_id_of, alert_of
from models.errors import ModelRejected
from models.features import FEATURE_NAMES
from models.scorer import Model
from models.without_model import NO_MODEL
from streams.codecs import encode
from streams.ledger.scan import ExportedRow
from tests.builders import decided, explain_by_amount

FLAGGED = 3


@dataclass
class Played:
    """Stands for the ledger's scan and the log of alerts."""

    rows: list[ExportedRow]
    alerts: list[DecidedTransaction]
    scores: dict[bytes, float]

    def model_of(self, name: str, version: str) -> Model:
        """What scored the rows; there is no version that is damaged."""
        if version == "damaged":
            raise ModelRejected(f"{name} has no version {version}")
        return Model(name, version, self.predict, explain_by_amount)

    def predict(self, rows: Any) -> Any:
        return np.array([self.scores.get(row.tobytes(), 0.1) for row in rows])

    def exported(self) -> Iterator[list[ExportedRow]]:
        yield self.rows

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        return {0: (0, len(self.alerts))}

    def read(self, topic: str, until: dict[int, int]) -> Iterator[list[Any]]:
        yield [Said(encode(alert_of(each))) for each in self.alerts]


@dataclass
class Said:
    raw: bytes

    def value(self) -> bytes:
        return self.raw


@pytest.fixture(scope="module")
def table() -> Transactions:
    return concatenated(list(simulate(SimulatorParameters(customers=20), seed=3, days=12)))


@pytest.fixture
def played(table: Transactions) -> Played:
    """What an undisturbed run leaves behind."""
    rows = []
    for number, (transaction_id, features) in enumerate(undisturbed(table).items()):
        decision = "decline" if number < FLAGGED else "approve"
        score = 0.9 if number < FLAGGED else 0.1
        variant = ABTestRouter(create_default_ab_config()).assign(f"c-{number}")
        row = decided(
            transaction_id=transaction_id,
            decision=decision,
            score=score,
            customer_id=f"c-{number}",
            variant=variant,
        )
        rows.append(ExportedRow(row, list(FEATURE_NAMES), features.astype(np.float32)))
    scores = {row.features.tobytes(): row.decided.score for row in rows}
    return Played(rows, [row.decided for row in rows[:FLAGGED]], scores)


def counted(table: Transactions, played: Played) -> Tally:
    obedience = Obedience(lambda kind, version: kind.default, played.model_of)
    return tally(replayed(table), played, played, "alerts", obedience)[0]  # type: ignore[arg-type]


def test_an_undisturbed_run_is_clean(table: Transactions, played: Played) -> None:
    found = counted(table, played)
    assert found.clean
    assert (found.transactions, found.alerts) == (len(table), FLAGGED)


@pytest.mark.parametrize(
    "changed",
    [{"variant": "other"}, {"score": 0.11}, {"decision": "review"}, {"model_version": "damaged"}],
    ids=str,
)
def test_a_row_that_is_not_what_its_rules_and_its_model_say_is_disobedient(
    table: Transactions, played: Played, changed: dict[str, Any]
) -> None:
    last = played.rows[-1]
    played.rows[-1] = last._replace(decided=structs.replace(last.decided, **changed))
    found = counted(table, played)
    assert (found.disobedient, found.clean) == (1, False)


@pytest.mark.parametrize(("decision", "disobedient"), [("approve", 0), ("review", 1)])
def test_a_row_that_no_model_scored_is_what_the_policy_says_without_one(
    table: Transactions, played: Played, decision: str, disobedient: int
) -> None:
    last = played.rows[-1]
    alone = {"model_name": "none", "degraded_reason": NO_MODEL, "score": 0.0, "amount_minor": 100}
    played.rows[-1] = last._replace(decided=structs.replace(last.decided, **alone, decision=decision))
    if disobedient:
        played.alerts.append(played.rows[-1].decided)
    assert counted(table, played).disobedient == disobedient


def test_a_transaction_without_a_row_is_lost(table: Transactions, played: Played) -> None:
    played.rows.pop()
    assert counted(table, played).lost == 1


def test_a_row_that_nobody_sent_is_doubled(table: Transactions, played: Played) -> None:
    stranger = played.rows[-1]
    played.rows.append(stranger._replace(decided=decided(transaction_id="stranger", decision="approve")))
    assert counted(table, played).doubled == 1


def test_a_decline_without_an_alert_is_lost(table: Transactions, played: Played) -> None:
    played.alerts.pop()
    assert counted(table, played).lost == 1


def test_an_alert_that_is_seen_twice_is_doubled(table: Transactions, played: Played) -> None:
    played.alerts.append(played.alerts[0])
    found = counted(table, played)
    assert found.doubled == 1
    assert alert_id_of(played.alerts[0].transaction_id) in found.first[0]


def test_an_alert_of_an_approval_is_doubled(table: Transactions, played: Played) -> None:
    played.alerts.append(played.rows[-1].decided)
    assert counted(table, played).doubled == 1


def test_a_feature_that_is_off_is_counted(table: Transactions, played: Played) -> None:
    features = played.rows[5].features.copy()
    features[1] += 1
    played.rows[5] = played.rows[5]._replace(features=features)
    found = counted(table, played)
    assert (found.features_differ, found.clean) == (1, False)
