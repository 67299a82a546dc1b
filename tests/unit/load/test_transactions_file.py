"""Files of transactions: what is written is read back, and whatever is wrong is named."""

import gzip
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from load.column_map import Amount, ColumnMap, Columns, Constants, Time, read_column_map
from load.columns import DAY_MS, Transactions
from load.generator import simulate
from load.parameters import SimulatorParameters
from load.record_batches import record_batches
from load.transactions_file import read_transactions, write_transactions
from models.errors import BadFile
from tests.unit.load.tables import START_MS, assert_same, evaluation_table, rows_of, table_of, tables

GENERATED = read_column_map("generated")
PLAIN = ColumnMap(
    columns=Columns(
        transaction_id="id", customer_id="who", amount="paid", event_time="when", terminal_id="where"
    ),
    amount=Amount("major"),
    constants=Constants(currency="EUR"),
)
LABELLED = ColumnMap(
    columns=Columns(
        transaction_id="id",
        customer_id="who",
        amount="paid",
        event_time="when",
        terminal_id="where",
        label="bad",
    ),
    amount=Amount("major"),
    constants=Constants(currency="EUR"),
)
suffixes = pytest.mark.parametrize("suffix", ["parquet", "csv", "csv.gz"])


def parquet(folder: Path, **columns: Any) -> Path:
    """Two transactions in a Parquet file, with some columns replaced; None leaves a column out."""
    values: dict[str, Any] = {
        "id": [7, 8],
        "who": ["anna", "bert"],
        "where": ["shop", "bar"],
        "paid": [19.99, 0.1],
        "when": [datetime(2018, 4, 2, 12), datetime(2018, 4, 1, 12)],  # noqa: DTZ001
        "more": [0, 0],
        **columns,
    }
    path = folder / "table.parquet"
    pq.write_table(pa.table({name: value for name, value in values.items() if value is not None}), path)
    return path


def csv(folder: Path, *lines: str, header: str = "id,who,where,paid,when,more") -> Path:
    path = folder / "table.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def with_zone(zone: str) -> ColumnMap:
    return ColumnMap(PLAIN.columns, PLAIN.amount, Time(zone), PLAIN.constants)


def hours_of(table: Transactions) -> list[float]:
    hours: list[float] = (table.event_time_ms % DAY_MS / 3_600_000).tolist()
    return hours


# What is read.


def test_a_parquet_file_is_read_in_time_order(tmp_path: Path) -> None:
    table = read_transactions(parquet(tmp_path), PLAIN)
    assert rows_of(table) == [
        ("8", "bert", "bar", 10, START_MS + DAY_MS // 2),
        ("7", "anna", "shop", 1999, START_MS + 3 * DAY_MS // 2),
    ]
    assert table.currency == "EUR"


def test_a_csv_file_is_read_likewise(tmp_path: Path) -> None:
    lines = ("007,anna,shop,19.99,2018-04-02 12:00:00,x", "8,bert,bar,0.1,2018-04-01T12:00:00,")
    table = read_transactions(csv(tmp_path, *lines), PLAIN)
    assert rows_of(table) == [
        ("8", "bert", "bar", 10, START_MS + DAY_MS // 2),
        ("007", "anna", "shop", 1999, START_MS + 3 * DAY_MS // 2),
    ]


def test_a_line_break_in_a_column_that_is_not_needed_does_no_harm(tmp_path: Path) -> None:
    path = csv(tmp_path, '1,a,b,1,2018-04-01,"two\nlines"', "2,a,b,1,2018-04-01,")
    assert read_transactions(path, PLAIN).transaction_id.tolist() == ["1", "2"]


def test_equal_times_keep_the_order_of_the_file(tmp_path: Path) -> None:
    same = [datetime(2018, 4, 1)] * 2  # noqa: DTZ001
    assert read_transactions(parquet(tmp_path, when=same), PLAIN).transaction_id.tolist() == ["7", "8"]


def test_columns_that_are_not_needed_are_not_read(tmp_path: Path) -> None:
    columns = PLAIN.columns.named()
    for path in (parquet(tmp_path), csv(tmp_path, "1,a,b,1,2018-04-01,x")):
        batches = list(record_batches(path, columns))
        assert all(sorted(batch.schema.names) == sorted(columns.values()) for batch in batches)


def test_whole_utc_days_are_read_both_ends_included(tmp_path: Path) -> None:
    moments = [START_MS - 1, START_MS, START_MS + 2 * DAY_MS - 1, START_MS + 2 * DAY_MS]
    path = parquet(
        tmp_path,
        **{name: list("abcd") for name in ("id", "who", "where")},
        paid=[1, 2, 3, 4],
        more=None,
        when=pa.array(moments, pa.timestamp("ms")),
    )
    table = read_transactions(path, PLAIN, start=date(2018, 4, 1), end=date(2018, 4, 2))
    assert table.transaction_id.tolist() == ["b", "c"]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_resolution_are_read(tmp_path: Path, unit: str) -> None:
    moments = pa.array([datetime(2018, 4, 1, 1), datetime(2018, 4, 1, 2)], pa.timestamp(unit))  # noqa: DTZ001
    assert hours_of(read_transactions(parquet(tmp_path, when=moments), PLAIN)) == [1, 2]


def test_times_finer_than_a_millisecond_are_cut(tmp_path: Path) -> None:
    moments = pa.array([START_MS * 1000 + 1_999, START_MS * 1000], pa.timestamp("us"))
    assert read_transactions(parquet(tmp_path, when=moments), PLAIN).event_time_ms.max() == START_MS + 1


def test_times_with_a_zone_mean_what_they_say(tmp_path: Path) -> None:
    lines = ("1,a,b,1,2018-04-01T12:00:00+02:00,", "2,a,b,1,2018-04-01T12:00:00.250Z,")
    assert hours_of(read_transactions(csv(tmp_path, *lines), with_zone("Asia/Tokyo"))) == [
        10,
        12 + 0.25 / 3600,
    ]
    zoned = pa.array([datetime(2018, 4, 1, 3, tzinfo=UTC)] * 2, pa.timestamp("ms", "America/New_York"))
    assert hours_of(read_transactions(parquet(tmp_path, when=zoned), with_zone("Asia/Tokyo"))) == [3, 3]


def test_times_without_a_zone_are_in_the_zone_of_the_map(tmp_path: Path) -> None:
    # 2018-10-28: Berlin's clocks show 02:30 twice, the first time is 00:30 UTC.
    lines = ("1,a,b,1,2018-10-28 01:30:00,", "2,a,b,1,2018-10-28 02:30:00,", "3,a,b,1,2018-10-28 03:30:00,")
    assert hours_of(read_transactions(csv(tmp_path, *lines), with_zone("Europe/Berlin"))) == [23.5, 0.5, 2.5]
    # 2018-03-25: they go from 02:00 to 03:00, which is 01:00 UTC.
    skipped = csv(tmp_path, "1,a,b,1,2018-03-25 02:30:00,")
    assert hours_of(read_transactions(skipped, with_zone("Europe/Berlin"))) == [1]


def test_float_noise_is_rounded_to_the_minor_unit(tmp_path: Path) -> None:
    path = parquet(tmp_path, paid=[0.1 + 0.2, 131.70000000000002])
    assert read_transactions(path, PLAIN).amount_minor.tolist() == [13170, 30]


def test_minor_units_are_taken_as_they_stand(tmp_path: Path) -> None:
    minor = ColumnMap(PLAIN.columns, Amount("minor"), constants=PLAIN.constants)
    assert read_transactions(parquet(tmp_path, paid=[1999, 10]), minor).amount_minor.tolist() == [10, 1999]


@pytest.mark.parametrize("flags", [[True, False], [1, 0]])
def test_a_label_is_a_boolean_or_0_and_1(tmp_path: Path, flags: list[Any]) -> None:
    label = read_transactions(parquet(tmp_path, bad=flags), LABELLED).label
    assert label is not None
    assert label.tolist() == [0, 1]


def test_categories_are_read_as_their_values(tmp_path: Path) -> None:
    path = parquet(tmp_path, who=pa.array(["anna", "anna"]).dictionary_encode())
    assert read_transactions(path, PLAIN).customer_id.tolist() == ["anna", "anna"]


def test_a_table_without_terminals_has_one(tmp_path: Path) -> None:
    columns = Columns(transaction_id="id", customer_id="who", amount="paid", event_time="when")
    one_shop = ColumnMap(columns, Amount("major"), constants=Constants(currency="EUR", terminal_id="web"))
    assert read_transactions(parquet(tmp_path, where=None), one_shop).terminal_id.tolist() == ["web", "web"]


def test_equal_ids_are_one_string(tmp_path: Path) -> None:
    table = read_transactions(parquet(tmp_path, who=["anna", "anna"]), PLAIN)
    assert table.customer_id[0] is table.customer_id[1]


# What is refused.


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"paid": [1.0, -5.0]}, "paid has an amount that is not 0 or more. row 2 holds -5.0. Next: correct"),
        ({"paid": [1.0, None]}, "paid has an empty cell. row 2 holds None"),
        ({"paid": [1.0, float("nan")]}, "not 0 or more. row 2 holds nan"),
        ({"paid": [1e10, 1e10 + 0.01]}, r"above 10\^12 minor units. row 2"),
        ({"paid": ["1", "2"]}, "paid is string, not a number"),
        ({"id": ["a", "b" * 65]}, "id has an id that is not 1 to 64 printable characters. row 2 holds 'bbb"),
        ({"who": ["a", "b\a"]}, r"who has an id .* row 2 holds 'b\\x07'"),
        ({"where": ["", "b"]}, "where has an id .* row 1 holds ''"),
        ({"id": [None, 8]}, "id has an empty cell. row 1"),
        ({"id": [7.0, 8.0]}, "id is double, not an id"),
        ({"when": [1522540800, 1522540801]}, "when is int64, not a time. Next: write it as a timestamp"),
        ({"when": ["2018-04-01", "yesterday"]}, "when has a time that cannot be read. .*'yesterday'"),
        ({"when": ["2018-04-01T00:00:00Z", "2018-04-01"]}, "time that cannot be read.*all times like"),
        ({"when": pa.array([0, -1], pa.timestamp("ms"))}, "a time before 1970"),
        ({"when": pa.array([0, 2**60], pa.timestamp("ms"))}, "after 9999. row 2"),
        ({"when": pa.array([None, 1], pa.timestamp("s"))}, "when has an empty cell"),
        ({"bad": [0, 2]}, "bad has a label that is not 0 or 1. row 2 holds 2"),
        ({"bad": ["yes", "no"]}, "bad is string"),
        ({"bad": [None, 1]}, "bad has an empty cell"),
    ],
)
def test_a_bad_value_is_refused_with_its_column_and_row(tmp_path: Path, columns: Any, says: str) -> None:
    with pytest.raises(BadFile, match=says) as refused:
        read_transactions(parquet(tmp_path, **{"bad": [0, 1], **columns}), LABELLED)
    assert refused.value.next_step


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1,a,b,ten,2018-04-01,", "invalid value 'ten'"),
        ("1,a,b,,2018-04-01,", "paid has an empty cell. row 2"),
        ("1,a,b,1,31/12/2018,", "when has a time that cannot be read"),
        ("1,a,b,1,,", "when has a time that cannot be read"),
        ("1,,b,1,2018-04-01,", "who has an id that is not 1 to 64"),
        ("1,a,b", "Expected 6 columns, got 3"),
    ],
)
def test_a_bad_line_of_a_csv_file_is_refused(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(BadFile, match=says) as refused:
        read_transactions(csv(tmp_path, "0,a,b,1,2018-04-01,", line), PLAIN)
    assert refused.value.next_step


def test_a_part_of_a_minor_unit_is_refused(tmp_path: Path) -> None:
    minor = ColumnMap(PLAIN.columns, Amount("minor"), constants=PLAIN.constants)
    with pytest.raises(BadFile, match=r'part of a minor unit. row 1 holds 19.99. Next: set unit = "major"'):
        read_transactions(parquet(tmp_path), minor)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    for path in (parquet(tmp_path, who=None, WHO=["a", "b"]), csv(tmp_path, header="id,WHO,where,paid,when")):
        with pytest.raises(BadFile, match=r"no column who \(customer_id\).*did you mean 'WHO'\?.*id, "):
            read_transactions(path, PLAIN)


def test_a_file_of_several_currencies_is_refused(tmp_path: Path) -> None:
    columns = Columns(**{**PLAIN.columns.named(), "currency": "more"})
    several = ColumnMap(columns, Amount("major"))
    assert read_transactions(parquet(tmp_path, more=["USD", "USD"]), several).currency == "USD"
    for more in (["USD", "EUR"], ["usd", "usd"]):
        with pytest.raises(BadFile, match="one file per currency"):
            read_transactions(parquet(tmp_path, more=more), several)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.parquet", None, "there is no file"),
        ("a.csv", None, "there is no file"),
        ("a.csv.gz", None, "there is no file"),
        ("a.xlsx", None, "unknown kind. Next: name a file that ends with .parquet, .csv, .csv.gz"),
        ("a.parquet", b"no magic here", "is not a .parquet file that can be read"),
        ("a.parquet", b"", "is not a .parquet file that can be read"),
        ("a.csv", b"", "is not a .csv file that can be read. Empty CSV file"),
        ("a.csv.gz", b"not gzip", "cannot be read"),
        ("a.csv.gz", gzip.compress(b"id,who,where,paid,when\n1,a,b,1,2018-04-01\n", mtime=0)[:-12], "read"),
        ("a.csv", b"id,who,where,paid,when\n1,\xff,b,1,2018-04-01\n", "invalid UTF8"),
        ("a.csv", b"id,\xff\n1,2\n", "is not a .csv file that can be read"),
        ("a.csv", b"id,who,where,paid,when\n", "has no transactions. Next"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, name: str, content: bytes | None, says: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(BadFile, match=says) as refused:
        read_transactions(tmp_path / name, PLAIN)
    assert refused.value.next_step


def test_a_folder_is_no_file_of_transactions(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.csv"):
        (tmp_path / name).mkdir()
        with pytest.raises(BadFile, match="read"):
            read_transactions(tmp_path / name, PLAIN)


def test_an_empty_range_tells_the_range_there_is(tmp_path: Path) -> None:
    says = "no transactions from 2019-01-01 to 2019-01-02. it has those of 2018-04-01 to 2018-04-02"
    with pytest.raises(BadFile, match=says):
        read_transactions(parquet(tmp_path), PLAIN, start=date(2019, 1, 1), end=date(2019, 1, 2))


# What is written.


@suffixes
def test_what_the_generator_writes_is_read_back(tmp_path: Path, suffix: str) -> None:
    days = list(simulate(SimulatorParameters(customers=200), seed=1, days=5))
    path = tmp_path / f"table.{suffix}"
    assert write_transactions(iter(days), path) == sum(map(len, days))
    table = read_transactions(path, GENERATED)
    for (_, read), written in zip(table.days(), days, strict=True):
        assert_same(read, written)


@suffixes
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(table=tables().filter(len))
def test_any_table_is_read_back_in_time_order(tmp_path: Path, suffix: str, table: Transactions) -> None:
    path = tmp_path / f"table.{suffix}"
    write_transactions([table], path)
    order = np.argsort(table.event_time_ms, kind="stable")
    assert_same(read_transactions(path, GENERATED), table[order])


@suffixes
def test_the_same_table_makes_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"first.{suffix}", tmp_path / f"second.{suffix}"
    write_transactions([table_of()], first)
    write_transactions([table_of()], second)
    assert first.read_bytes() == second.read_bytes()


def test_the_columns_are_the_documented_ones(tmp_path: Path) -> None:
    names = "transaction_id,customer_id,terminal_id,amount_minor,currency,event_time,label,scenario"
    write_transactions([table_of()], tmp_path / "a.parquet")
    write_transactions([table_of()], tmp_path / "a.csv")
    assert pq.read_schema(tmp_path / "a.parquet").names == names.split(",")
    assert pacsv.read_csv(tmp_path / "a.csv").schema.names == names.split(",")


def test_a_table_without_labels_is_written_with_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_transactions([table_of(label=None)], path)
    with pytest.raises(BadFile, match="column label has an empty cell"):
        read_transactions(path, GENERATED)


@suffixes
def test_a_write_that_stops_leaves_what_was_there_before(tmp_path: Path, suffix: str) -> None:
    def interrupted() -> Iterator[Transactions]:
        yield table_of()
        raise KeyboardInterrupt

    path = tmp_path / f"table.{suffix}"
    path.write_text("before")
    with pytest.raises(KeyboardInterrupt):
        write_transactions(interrupted(), path)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@contextmanager
def little_room() -> Iterator[None]:
    """No file of this process may grow beyond 1,000 bytes, that with pytest's own words included."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@suffixes
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    days = simulate(SimulatorParameters(customers=500), seed=1, days=3)
    with little_room(), pytest.raises(BadFile, match=r"cannot be written. .*Next: make room"):
        write_transactions(days, tmp_path / f"table.{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"No such file or directory. Next"):
        write_transactions([table_of()], tmp_path / "none" / "table.csv")


def test_a_name_of_another_kind_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="unknown kind"):
        write_transactions([table_of()], tmp_path / "table.json")


# The evaluation tables.


def test_the_handbook_table_is_read_as_published() -> None:
    table = read_transactions(evaluation_table("handbook.parquet"), read_column_map("handbook"))
    assert table.scenario is not None
    assert table.label is not None
    assert len(table) == 1_754_155
    assert np.bincount(table.scenario).tolist() == [1_739_474, 973, 9_077, 4_631]
    assert (np.diff(table.event_time_ms) >= 0).all()
    assert table.amount_minor[table.label == 0].max() <= 22_000
    assert table.amount_minor.max() == 262_800
    days = [len(part) for _, part in table.days()]
    assert (len(days), round(np.mean(days)), round(np.std(days))) == (183, 9_586, 97)


def test_the_evalml_table_is_read_as_published() -> None:
    table = read_transactions(evaluation_table("evalml_fraud.parquet"), read_column_map("evalml"))
    assert table.label is not None
    assert len(table) == 99_992
    assert table.label.mean() == pytest.approx(0.152, abs=5e-4)
    assert table.label[table.amount_minor >= 90_000].all()
