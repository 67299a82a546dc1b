"""A table decided online, through Kafka, by a worker that is killed three times: features as published, and a
test week scored as it is offline.

Both families decide in one replay, each for the customers of its variant. So the figures online are held
against those of the offline scores that the same split would have dealt; and what the two models score
offline, each alone, against `fraudml evaluate`.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from deploy.jobs.training import Trained, train_labelled
from deploy.stack.report import Report
from load.column_map import read_column_map
from load.columns import Transactions
from load.labelled import labelled_of
from load.transactions_file import read_transactions
from models.ab_test import ABTestRouter, create_default_ab_config
from models.boosters import FAMILIES, Family, Scores, registered_name
from models.evaluation import TOP_CARDS
from models.folds import Fold, Labelled
from models.ranking import Codes, auc_roc, average_precision, card_precision
from models.recipes import recipe_of
from tests.e2e.command_line import CommandLine
from tests.e2e.evaluations import evaluated
from tests.e2e.published import assert_as_published
from tests.e2e.replays import CLOSE, DISTURBED, Killer, stack_with_models

pytestmark = [pytest.mark.slow, pytest.mark.stack, pytest.mark.timeout(900)]

TRAINED_ON = (date(2018, 7, 25), date(2018, 7, 31))
SPLIT_A = Fold(17_737, train_days=7, delay_days=7, test_days=7)  # the first day is 2018-07-25
WEEK_BEGINS = datetime(2018, 8, 8, tzinfo=UTC)
LAST_DAY = date(2018, 8, 14)
KILLS = (150_000, 400_000, 700_000)  # after so many transactions
# Of the rows whose values were published, those up to the last day.
ROWS_PUBLISHED = 536_439
FIGURES = ("auc_roc", "average_precision", "card_precision_at_100")


@dataclass(frozen=True)
class Offline:
    """The table up to the end of the test week, and a model of each family."""

    table: Transactions
    data: Labelled
    trained: dict[Family, Trained]

    @cached_property
    def week(self) -> Codes:
        """All rows of the test week."""
        return self.data.rows(SPLIT_A.first_test_day, SPLIT_A.test_days)

    @cached_property
    def ids(self) -> list[str]:
        found: list[str] = self.table.transaction_id[self.week].tolist()
        return found

    def scores(self, family: Family) -> Scores:
        """The week's, all by one model."""
        return self.trained[family].learned.probabilities(self.data.features[self.week])

    @cached_property
    def models(self) -> NDArray[np.object_]:
        """The name of the model that the split deals to each of the week's rows."""
        config = create_default_ab_config()
        dealt = map(ABTestRouter(config).index, self.table.customer_id[self.week])
        return np.array([config.variants[index].model_name for index in dealt], object)

    def dealt_scores(self) -> Scores:
        found = np.full(len(self.week), np.nan)
        for family in FAMILIES:
            mine = self.models == registered_name(family)
            found[mine] = self.scores(family)[mine]
        return found

    def figures(self, scores: Scores) -> dict[str, float]:
        """How well scores of the week rank the rows that a model is judged by."""
        rows = SPLIT_A.test_rows(self.data)
        fraud, score = self.data.fraud[rows], scores[rows - self.week[0]]
        customer, day = self.data.customer[rows], self.data.day[rows]
        found = (
            auc_roc(fraud, score),
            average_precision(fraud, score),
            card_precision(fraud, score, customer, day, TOP_CARDS),
        )
        return dict(zip(FIGURES, found, strict=True))


@dataclass(frozen=True)
class Online:
    """The week's decisions, in the order of the offline rows."""

    models: list[str]
    scores: Scores


@pytest.fixture(scope="module")
def offline(evaluation_data: Path) -> Offline:
    handbook = read_column_map("handbook")
    table = read_transactions(evaluation_data / "handbook.parquet", handbook, end=LAST_DAY)
    data = labelled_of(table)
    trained = {
        family: train_labelled(data, *TRAINED_ON, recipe_of(family), seed=1, report=Report())
        for family in FAMILIES
    }
    return Offline(table, data, trained)


@pytest.fixture(scope="module")
def decided(evaluation_data: Path, offline: Offline, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All decisions of the replay, as they are exported."""
    folder = tmp_path_factory.mktemp("online")
    table, out = evaluation_data / "handbook.parquet", folder / "decisions.parquet"
    with stack_with_models(folder, offline.trained.values(), "--no-reconciler", "--no-gateway") as line:
        days = ("--from", "2018-04-01", "--to", str(LAST_DAY))
        with Killer(line, at=KILLS) as killer:
            line.ok("replay", str(table), "--map", "handbook", *days, *DISTURBED, within_s=600)
        assert len(killer.killed) == len(KILLS)
        line.ok("reconcile", within_s=300)
        line.ok("export", "decisions", "--out", str(out), within_s=300)
    return out


@pytest.fixture(scope="module")
def online(offline: Offline, decided: Path) -> Online:
    decisions = decisions_of_the_week(decided)
    assert decisions.keys() == set(offline.ids)
    in_order = [decisions[each] for each in offline.ids]
    return Online([each["model_name"] for each in in_order], np.array([each["score"] for each in in_order]))


def decisions_of_the_week(file: Path) -> dict[str, dict[str, Any]]:
    columns = ["transaction_id", "model_name", "score"]
    found = pq.read_table(file, columns=columns, filters=[("event_time", ">=", WEEK_BEGINS)])
    return {each["transaction_id"]: each for each in found.to_pylist()}


def test_every_feature_is_as_published(
    decided: Path, published: tuple[Any, Any], same_second: set[str]
) -> None:
    assert_as_published(decided, published, same_second, rows=ROWS_PUBLISHED)


def test_every_score_is_the_one_computed_offline(offline: Offline, online: Online) -> None:
    """Without exception: a replay keeps each customer's order, also of payments in one second."""
    assert online.models == offline.models.tolist()
    expected = offline.dealt_scores()
    wrong = np.flatnonzero(~(np.abs(online.scores - expected) <= CLOSE))
    assert [(offline.ids[row], online.scores[row], expected[row]) for row in wrong] == []


def test_the_figures_are_those_of_the_offline_scores(offline: Offline, online: Online) -> None:
    found, expected = offline.figures(online.scores), offline.figures(offline.dealt_scores())
    assert found == pytest.approx(expected, rel=0, abs=CLOSE)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_offline_scores_are_those_that_evaluate_judges(
    family: Family, offline: Offline, evaluation_data: Path, tmp_path: Path
) -> None:
    line = CommandLine(tmp_path / "home")
    (fold,) = evaluated(line, evaluation_data, "--model", family)["folds"]
    expected = {name: fold[name] for name in FIGURES}
    assert offline.figures(offline.scores(family)) == pytest.approx(expected, rel=0, abs=CLOSE)
