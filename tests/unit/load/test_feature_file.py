"""Feature values in files, and the table they are computed from."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from numpy.testing import assert_array_equal

from load.columns import DAY_MS, Transactions
from load.feature_file import feature_table, write_columns, write_features
from load.past import past_of
from models.errors import BadFile
from models.features import FEATURE_NAMES
from models.history import Retention
from models.training_set import past_features
from tests.unit.load.tables import START_MS, table_of, tables

suffixes = pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz"])


def three_weeks() -> Transactions:
    numbers = np.arange(63)
    return table_of(
        transaction_id=[f"tx{n}" for n in numbers],
        customer_id=[f"c{n % 4}" for n in numbers],
        terminal_id=[f"t{n % 2}" for n in numbers],
        amount_minor=numbers * 37,
        event_time_ms=START_MS + numbers * DAY_MS // 3,
        label=numbers % 5 == 0,
        scenario=numbers % 5 == 0,
    )


def read(path: Path) -> Any:
    return pq.read_table(path) if path.name.endswith(".parquet") else pacsv.read_csv(path)


# The file.


@suffixes
def test_a_file_holds_each_transaction_and_its_features_by_name(tmp_path: Path, suffix: str) -> None:
    table, path = three_weeks(), tmp_path / f"features{suffix}"
    write_features(table, path)
    found = read(path)
    assert found.column_names == ["transaction_id", *FEATURE_NAMES]
    assert found["transaction_id"].to_pylist() == table.transaction_id.tolist()
    expected = np.concatenate(list(past_features(past_of(table), Retention())))
    for column, name in enumerate(FEATURE_NAMES):
        assert_array_equal(found[name].to_numpy(), expected[:, column])
    assert expected[:, FEATURE_NAMES.index("terminal_fraud_share_7d")].max() > 0


def test_no_transactions_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="there is nothing to write"):
        write_features(three_weeks()[:0], tmp_path / "features.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_stops_leaves_what_was_there_before(tmp_path: Path) -> None:
    path = tmp_path / "features.csv"
    path.write_text("before")

    def interrupted() -> Any:
        yield feature_table(["a"], np.zeros((1, 1)), ["x"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_columns(path, interrupted())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "says"), [("features.json", "unknown kind"), ("none/features.csv", "cannot be written")]
)
def test_a_place_that_cannot_be_written_to_is_said(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(BadFile, match=says) as refused:
        write_features(three_weeks(), tmp_path / name)
    assert refused.value.next_step


def test_the_number_of_rows_is_told(tmp_path: Path) -> None:
    parts = [feature_table(["a", "b"], np.zeros((2, 1)), ["x"]), feature_table(["c"], np.ones((1, 1)), ["x"])]
    assert write_columns(tmp_path / "features.parquet", parts) == 3
    assert read(tmp_path / "features.parquet").equals(pa.concat_tables(parts))


# The table as the fold wants it.


@given(tables())
def test_ids_become_numbers_that_tell_them_apart_and_times_whole_seconds(table: Transactions) -> None:
    past = past_of(table)
    for numbers, ids in ((past.customer, table.customer_id), (past.terminal, table.terminal_id)):
        pairs = set(zip(numbers.tolist(), ids.tolist(), strict=True))
        assert len(pairs) == len(set(ids.tolist())) == len(set(numbers.tolist()))
    assert past.time_s.tolist() == [moment // 1000 for moment in table.event_time_ms.tolist()]
    assert past.amount_minor.tolist() == table.amount_minor.tolist()
    assert table.label is not None
    assert past.fraud.tolist() == table.label.tolist()


def test_without_labels_nothing_is_a_fraud() -> None:
    assert past_of(table_of(label=None)).fraud.tolist() == [0, 0, 0]
