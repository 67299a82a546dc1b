"""The fixed log gives the fixed answers: every decision, feature, alert and dead letter."""

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest

from models.features import FEATURE_NAMES
from tests.builders import Worker
from tests.golden.replaying import HERE, answers, read_log, replayed, score_by_all

ANSWERS = ("decisions.jsonl", "features.jsonl", "alerts.jsonl", "dead_letters.jsonl")


@pytest.fixture(scope="module")
def worker() -> Worker:
    return replayed(read_log())


def golden(name: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in (HERE / name).read_bytes().splitlines()]


@pytest.mark.parametrize("name", ANSWERS)
def test_the_log_gives_the_golden_answers(worker: Worker, name: str) -> None:
    """If it should not any more: see tests/golden/__init__.py."""
    found = [msgspec.json.decode(msgspec.json.encode(document)) for document in answers(worker)[name]]
    changed = [(now, before) for now, before in zip(found, golden(name), strict=False) if now != before]
    assert changed == []
    assert len(found) == len(golden(name))


@pytest.mark.parametrize("most", [1, 7, 2048])
def test_the_answers_do_not_depend_on_how_the_log_falls_into_sweeps(worker: Worker, most: int) -> None:
    assert answers(replayed(read_log(), most)) == answers(worker)


def test_the_answers_stay_when_the_whole_log_comes_again(worker: Worker) -> None:
    twice = replayed([*read_log(), *read_log()])
    assert answers(twice)["decisions.jsonl"] == answers(worker)["decisions.jsonl"]
    assert answers(twice)["features.jsonl"] == answers(worker)["features.jsonl"]
    assert answers(twice)["alerts.jsonl"] == answers(worker)["alerts.jsonl"]


def test_each_alert_is_of_a_golden_decision_and_each_golden_decision_that_needs_one_has_it() -> None:
    needed = {row["transaction_id"] for row in golden("decisions.jsonl") if row["decision"] != "approve"}
    alerted = [alert["transaction_id"] for alert in golden("alerts.jsonl")]
    assert sorted(alerted) == sorted(needed)


def test_the_golden_log_shows_all_that_can_happen(worker: Worker) -> None:
    rows = golden("decisions.jsonl")
    assert Counter(row["decision"] for row in rows).keys() == {"approve", "review", "decline"}
    assert {row["variant"] for row in rows} == {"champion", "challenger"}
    assert {line.partition for line in read_log()} == {0, 1, 2}
    assert sum(row["late"] for row in rows) == 1
    assert {letter["reason"] for letter in golden("dead_letters.jsonl")} == {
        "not_json",
        "currency",
        "missing_field",
    }
    assert worker.metric("fraud_duplicates_total", kind="duplicate") >= 3
    assert worker.metric("fraud_duplicates_total", kind="conflict") == 1
    assert worker.metric("fraud_labels_total", outcome="parked") == 1
    assert len(worker.outbox.returned) == 1


@pytest.mark.parametrize("column", range(len(FEATURE_NAMES)), ids=FEATURE_NAMES)
def test_every_feature_moves_some_golden_score(column: int) -> None:
    features = np.array([[row[name] for name in FEATURE_NAMES] for row in golden("features.jsonl")])
    without = features.copy()
    without[:, column] = 0
    assert (score_by_all(features) != score_by_all(without)).any()
