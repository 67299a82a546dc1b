"""The feature values of the handbook's table, as its authors published them."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from models.features import FEATURE_NAMES
from tests.e2e.replays import differing, features_of

# The published columns, in the order of ours; the amount is not among them.
PUBLISHED = (
    "TX_DURING_WEEKEND",
    "TX_DURING_NIGHT",
    *(f"CUSTOMER_ID_{what}_{days}DAY_WINDOW" for days in (1, 7, 30) for what in ("NB_TX", "AVG_AMOUNT")),
    *(f"TERMINAL_ID_{what}_{days}DAY_WINDOW" for days in (1, 7, 30) for what in ("NB_TX", "RISK")),
)


@pytest.fixture(scope="session")
def published(evaluation_data: Path) -> tuple[Any, Any]:
    """Ids, and our features as published; amounts in minor units."""
    table = pq.read_table(evaluation_data / "handbook_features_ref.parquet")
    matrix = np.column_stack([table[name].to_numpy().astype(np.float64) for name in PUBLISHED])
    for column, name in enumerate(FEATURE_NAMES[1:]):
        if "amount" in name:
            matrix[:, column] *= 100
    ids = np.array([str(each) for each in table["TRANSACTION_ID"].to_pylist()])
    order = np.argsort(ids)
    return ids[order], matrix[order]


@pytest.fixture(scope="session")
def same_second(evaluation_data: Path) -> set[str]:
    """Transactions of a customer who pays twice in one second: there the published order is not ours."""
    table = pq.read_table(
        evaluation_data / "handbook.parquet", columns=["TRANSACTION_ID", "TX_DATETIME", "CUSTOMER_ID"]
    )
    second = table["TX_DATETIME"].to_numpy().astype("datetime64[s]").astype(np.int64)
    moment = np.column_stack([table["CUSTOMER_ID"].to_numpy(), second])
    _, index, count = np.unique(moment, axis=0, return_inverse=True, return_counts=True)
    ties = table["TRANSACTION_ID"].to_numpy()[count[index.ravel()] > 1]
    return {str(each) for each in ties.tolist()}


def assert_as_published(file: Path, published: tuple[Any, Any], same_second: set[str], rows: int) -> None:
    ids, expected = published
    found_ids, found = features_of(file)
    covered = np.isin(ids, found_ids)
    assert covered.sum() == rows
    found = found[np.searchsorted(found_ids, ids[covered])]
    wrong = ids[covered][differing(found[:, 1:], expected[covered])]
    assert set(wrong.tolist()) <= same_second
    assert len(wrong) <= 20
