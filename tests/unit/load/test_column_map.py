"""A column map is read strictly, and says what is wrong with it."""

from pathlib import Path

import pytest

from load.column_map import MAPS, ColumnMap, read_column_map
from models.errors import BadFile

WHOLE = (MAPS / "handbook.toml").read_text()


@pytest.fixture
def map_of(tmp_path: Path) -> Path:
    return tmp_path / "map.toml"


def test_our_maps_are_found_by_name() -> None:
    handbook, evalml, generated = map(read_column_map, ("handbook", "evalml", "generated"))
    assert (handbook.columns.amount, handbook.amount.unit, handbook.amount.decimals) == (
        "TX_AMOUNT",
        "major",
        2,
    )
    assert (evalml.columns.customer_id, evalml.amount.unit) == ("card_id", "minor")
    assert (handbook.constants.currency, generated.columns.currency) == ("EUR", "currency")


def test_a_map_may_be_any_file(map_of: Path) -> None:
    map_of.write_text(WHOLE)
    assert read_column_map(map_of) == read_column_map("handbook")


def test_times_are_utc_unless_the_map_says_otherwise() -> None:
    assert ColumnMap.__struct_defaults__[0].zone == "UTC"
    assert read_column_map("evalml").time.zone == "UTC"


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        ("customer_id =", "cutomer_id =", "did you mean 'customer_id'"),
        ("\n[amount]", "\n[amont]", "did you mean 'amount'"),
        ('customer_id = "CUSTOMER_ID"', "", r"no required field `customer_id`: \[columns\]"),
        ('label = "TX_FRAUD"', "label = 5", r"got `int`: label in \[columns\]"),
        ('unit = "major"', 'unit = "cents"', r"'cents': unit in \[amount\]"),
        ("decimals = 2", "decimals = 9", r"decimals in \[amount\]"),
        ('"UTC"', '"Mars/Olympus"', "'Mars/Olympus', which is no time zone"),
        ('"UTC"', '"../../etc/passwd"', "is no time zone"),
        ('currency = "EUR"', "", r"currency is given nowhere. Next: give currency either in \[columns\]"),
        ('currency = "EUR"', 'currency = "EUR"\nterminal_id = "web"', "terminal_id is given twice"),
        ('currency = "EUR"', 'currency = "euro"', r"currency in \[constants\]"),
        ('"TERMINAL_ID"', '"CUSTOMER_ID"', "customer_id and terminal_id in .* are both 'CUSTOMER_ID'"),
        ('terminal_id = "TERMINAL_ID"', "", "terminal_id is given nowhere"),
        ("\n[time]", "\n[time", "is not TOML"),
    ],
)
def test_a_wrong_map_is_refused_by_the_name_of_its_key(
    map_of: Path, was: str, becomes: str, says: str
) -> None:
    assert was in WHOLE
    map_of.write_text(WHOLE.replace(was, becomes, 1))
    with pytest.raises(BadFile, match=says) as refused:
        read_column_map(map_of)
    assert refused.value.next_step


def test_an_unprintable_constant_is_refused(map_of: Path) -> None:
    changed = WHOLE.replace('terminal_id = "TERMINAL_ID"', "")
    map_of.write_text(changed + 'terminal_id = "a\\u0007"\n')
    with pytest.raises(BadFile, match="unprintable"):
        read_column_map(map_of)


def test_bytes_that_are_no_text_are_refused(map_of: Path) -> None:
    map_of.write_bytes(b"\xff\xfe")
    with pytest.raises(BadFile, match="is not TOML"):
        read_column_map(map_of)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(BadFile, match=r"no column map handbok.*evalml, generated, handbook"):
        read_column_map("handbok")
