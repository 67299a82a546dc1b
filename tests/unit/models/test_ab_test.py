"""The split: who decides for a customer, and that it stays so."""

from collections import Counter
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ab_test import ABConfig, ABTestRouter, Variant, create_default_ab_config
from models.errors import BadSetting

POSITIONS = 2**48
CUSTOMERS = 100_000
ids = st.text(min_size=1, max_size=64)
shares = st.floats(0, 1, allow_nan=False)


def variants(*weights: float) -> tuple[Variant, ...]:
    names = ["champion", "challenger", "third", "fourth", "fifth"]
    return tuple(Variant(name, "Model", name, weight) for name, weight in zip(names, weights, strict=False))


def router(*weights: float, salt: str = "salt") -> ABTestRouter:
    return ABTestRouter(ABConfig("v", salt, variants(*weights)))


# Customer, BLAKE2b-48 of "fraudml:<customer>" as a big-endian number, and variant in the default split. The
# challenger takes the lowest tenth of the positions, those below 28_147_497_671_066 (2**48 / 10, rounded).
PUBLISHED = [
    ("c-1", 68_655_025_453_904, "champion"),
    ("c-2", 259_864_673_860_925, "champion"),
    ("c-20", 394_880_642_704, "challenger"),
    ("c-25", 27_784_988_064_239, "challenger"),
    ("4974", 68_339_849_517_691, "champion"),
    ("anna@example.com", 35_134_977_542_787, "champion"),
    ("זהב 💳", 112_396_093_111_550, "champion"),
]


@pytest.mark.parametrize(("customer", "position", "variant"), PUBLISHED)
def test_the_default_split_is_as_published(customer: str, position: int, variant: str) -> None:
    default = ABTestRouter(create_default_ab_config())
    recomputed = int.from_bytes(blake2b(f"fraudml:{customer}".encode(), digest_size=6).digest(), "big")
    assert default.position(customer) == position == recomputed
    assert default.assign(customer) == variant
    assert (position < POSITIONS / 10) == (variant == "challenger")


def test_the_default_split_is_xgboost_and_a_tenth_for_lightgbm() -> None:
    config = create_default_ab_config()
    assert [(v.name, v.model_name, v.alias, v.weight) for v in config.variants] == [
        ("champion", "FraudDetection_XGBoost", "champion", 0.9),
        ("challenger", "FraudDetection_LightGBM", "challenger", 0.1),
    ]


@pytest.mark.parametrize("name", ["{}", "c{}", "customer-{:08d}@example.com"])
def test_positions_are_uniform_however_customers_are_named(name: str) -> None:
    split = ABTestRouter(create_default_ab_config())
    positions = np.array([split.position(name.format(n)) for n in range(CUSTOMERS)])
    counts = np.bincount(positions // (POSITIONS // 100 + 1), minlength=100)
    expected = CUSTOMERS / 100
    # Chi-squared with 99 degrees of freedom: mean 99, variance 198; four standard deviations.
    chi_squared = ((counts - expected) ** 2 / expected).sum()
    assert abs(chi_squared - 99) < 4 * np.sqrt(198)


@pytest.mark.parametrize("weights", [(0.9, 0.1), (0.5, 0.5), (0.2, 0.3, 0.5), (0.0, 1.0), (1.0, 0.0)])
def test_each_variant_gets_its_share_of_the_customers(weights: tuple[float, ...]) -> None:
    split = router(*weights)
    dealt = Counter(split.index(f"c{n}") for n in range(CUSTOMERS))
    for index, weight in enumerate(weights):
        deviation = np.sqrt(CUSTOMERS * weight * (1 - weight))
        assert abs(dealt[index] - CUSTOMERS * weight) <= 4 * deviation


@given(st.lists(ids, max_size=20), shares)
def test_a_customer_keeps_the_variant_on_every_worker_and_however_often_it_is_asked(
    customers: list[str], share: float
) -> None:
    here, there = router(1 - share, share), router(1 - share, share)
    asked = [here.assign(customer) for customer in customers]
    assert [there.assign(customer) for customer in reversed(customers)] == asked[::-1]
    assert [here.assign(customer) for customer in customers] == asked


@given(st.lists(ids, max_size=50), shares, shares)
def test_a_growing_challenger_takes_customers_from_the_champion_and_loses_none(
    customers: list[str], one: float, other: float
) -> None:
    small, large = sorted((one, other))
    before, after = router(1 - small, small), router(1 - large, large)
    for customer in customers:
        assert (before.index(customer), after.index(customer)) in {(0, 0), (0, 1), (1, 1)}


@pytest.mark.parametrize("changed", [(0.4, 0.4, 0.2), (0.5, 0.2, 0.3)], ids=["first two", "last two"])
def test_a_change_of_two_neighbouring_weights_moves_only_whom_it_must(changed: tuple[float, ...]) -> None:
    before, after = router(0.5, 0.3, 0.2), router(*changed)
    customers = [f"c{n}" for n in range(10_000)]
    moves = Counter((before.index(each), after.index(each)) for each in customers)
    (moved,) = [pair for pair in moves if pair[0] != pair[1]]
    assert abs(moves[moved] - 1000) < 4 * 30  # a tenth; four standard deviations of a binomial


def test_a_new_salt_deals_the_customers_anew() -> None:
    old, new = router(0.5, 0.5, salt="spring"), router(0.5, 0.5, salt="autumn")
    moved = sum(old.index(f"c{n}") != new.index(f"c{n}") for n in range(10_000))
    assert abs(moved - 5_000) < 4 * 50  # four standard deviations of a binomial


@given(ids)
def test_index_and_name_agree(customer: str) -> None:
    split = router(0.2, 0.3, 0.5)
    assert split.config.variants[split.index(customer)].name == split.assign(customer)


BAD = {
    "no variant": (),
    "weights above 1": variants(0.9, 0.2),
    "weights below 1": variants(0.9),
    "a negative weight": variants(1.1, -0.1),
    "percentages": variants(90, 10),
    "a weight that is not a number": variants(float("nan"), 1.0),
    "an endless weight": variants(float("inf"), 0.0),
    "one name twice": (Variant("a", "M", "champion", 0.5), Variant("a", "N", "champion", 0.5)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_split_that_cannot_be_is_refused(bad: tuple[Variant, ...]) -> None:
    with pytest.raises(BadSetting):
        ABConfig("v", "salt", bad)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_ten_million_customers_are_dealt_as_the_weights_say_and_a_change_moves_only_whom_it_must() -> None:
    count = 10_000_000
    before, after = router(0.9, 0.1), router(0.8, 0.2)
    challenged, moved, moved_back = 0, 0, 0
    for number in range(count):
        customer = f"customer-{number}"
        first, second = before.index(customer), after.index(customer)
        challenged += first
        moved += first != second
        moved_back += first > second
    assert challenged / count == pytest.approx(0.1, abs=0.001)
    assert moved / count == pytest.approx(0.1, abs=0.001)
    assert moved_back == 0
