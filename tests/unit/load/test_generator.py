"""The simulator: its laws at any size, and its likeness to the published table."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from load.columns import DAY_MS, Transactions, concatenated, midnight_ms
from load.generator import simulate
from load.parameters import SimulatorParameters
from load.scenarios import CompromisedTerminals, strike
from models.errors import BadSetting
from tests.unit.load.tables import assert_same

DAYS = 183


def run(customers: int, *, seed: int = 1, days: int = 3, **parameters: float) -> list[Transactions]:
    return list(simulate(SimulatorParameters(customers=customers, **parameters), seed=seed, days=days))  # type: ignore[arg-type]


def of_scenario(table: Transactions, scenario: int) -> Transactions:
    """0: the genuine ones."""
    return table[np.asarray(table.scenario) == scenario]


@pytest.fixture(scope="module")
def published_size() -> Transactions:
    return concatenated(run(5_000, seed=3, days=DAYS))


# Published: one draw of 183 days and 5,000 customers. The tolerances are four standard deviations of
# the difference of two draws, from twelve draws of this simulator (sd 67, 58, 190, 145, 0.00012).
@pytest.mark.parametrize(
    ("what", "published", "tolerance"),
    [
        ("per day", 9_586, 380),
        ("scenario 1", 973, 330),
        ("scenario 2", 9_077, 1_080),
        ("scenario 3", 4_631, 820),
    ],
)
def test_counts_are_like_the_published_ones(
    published_size: Transactions, what: str, published: int, tolerance: int
) -> None:
    scenario = published_size.scenario
    assert scenario is not None
    counts = np.bincount(scenario, minlength=4)
    found = len(scenario) / DAYS if what == "per day" else counts[int(what[-1])]
    assert abs(found - published) < tolerance


def test_the_fraud_share_is_like_the_published_one(published_size: Transactions) -> None:
    assert published_size.label is not None
    assert abs(published_size.label.mean() - 0.0084) < 0.0007


def test_days_differ_as_much_as_published(published_size: Transactions) -> None:
    sizes = [len(part) for _, part in published_size.days()]
    assert len(sizes) == DAYS
    assert 75 < np.std(sizes) < 120  # published 97; nearly Poisson, so its own error is about 5 %


def test_all_but_a_few_customers_and_all_terminals_are_used(published_size: Transactions) -> None:
    assert 4_975 <= len(set(published_size.customer_id)) <= 5_000  # published 4,990
    assert len(set(published_size.terminal_id)) == 10_000


def test_no_genuine_transaction_is_above_220(published_size: Transactions) -> None:
    genuine = of_scenario(published_size, 0)
    assert 21_900 < genuine.amount_minor.max() <= 22_000


def test_scenario_1_is_what_is_above_220(published_size: Transactions) -> None:
    large = of_scenario(published_size, 1)
    assert large.amount_minor.min() > 22_000
    assert large.amount_minor.max() < 50_000  # mean at most 100, so that is eight standard deviations


def test_amounts_are_normal_with_half_the_mean_as_standard_deviation(published_size: Transactions) -> None:
    genuine = of_scenario(published_size, 0)
    assert abs(genuine.amount_minor.mean() - 5_300) < 150
    assert abs(genuine.amount_minor.std() - 3_900) < 200


def test_the_time_of_day_is_normal_around_noon(published_size: Transactions) -> None:
    second = published_size.event_time_ms % DAY_MS // 1000
    assert abs(second.mean() - 43_200) < 60
    # A normal of 20,000 s cut off at the day's ends, 2.16 standard deviations away, has 18,194.
    assert abs(second.std() - 18_194) < 100
    assert second.min() >= 1


def test_a_compromised_terminal_has_only_frauds_for_28_days() -> None:
    table = concatenated(run(300, days=120, seed=5))
    day = (table.event_time_ms - table.event_time_ms.min()) // DAY_MS
    assert table.scenario is not None
    assert table.label is not None
    hit = set(table.terminal_id[table.scenario == 2])
    assert len(hit) == 15  # of 600; with this seed none is compromised twice
    for terminal in hit:
        own = table.terminal_id == terminal
        days = day[own & (table.scenario == 2)]
        assert days.max() - days.min() < 28
        assert table.label[own & (day >= days.min()) & (day <= days.max())].all()


def test_a_terminal_is_compromised_on_the_day_it_begins_and_27_more() -> None:
    terminals = CompromisedTerminals(SimulatorParameters(customers=10), seed=1)
    every = np.arange(20)
    terminals.begin(0)
    (begun,) = np.flatnonzero(terminals.hit(0, every))
    hit = [day for day in range(60) if terminals.hit(day, every)[begun]]
    assert hit == list(range(28))


def test_two_terminals_and_three_customers_per_5000_and_day_begin() -> None:
    def begun(customers: int, per_day: int, days: int) -> int:
        parameters = SimulatorParameters(customers=customers)
        return sum(parameters.begun_on(day, per_day) for day in range(days))

    assert begun(5_000, 2, 1) == 2
    assert begun(5_000, 3, 183) == 549
    assert begun(1_000_000, 3, 1) == 600
    assert begun(10, 2, 1) == 1
    assert begun(300, 2, 100) == 12


@given(st.integers(0, 40), st.integers(0, 10**6))
def test_a_third_of_a_compromised_customers_visits_is_struck(most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    visits = rng.integers(0, most + 1, (14, 3))
    strikes = strike(100, np.array([7, 5, 9]), visits, 3, rng)
    struck = set(zip(strikes.day.tolist(), strikes.customer.tolist(), strikes.nth.tolist(), strict=True))
    assert len(struck) == len(strikes.day) == visits.sum() // 3
    columns = {7: 0, 5: 1, 9: 2}
    assert all(0 <= nth < visits[day - 100, columns[customer]] for day, customer, nth in struck)


def test_a_struck_transaction_costs_five_times_as_much() -> None:
    with_frauds = concatenated(run(2_000, days=20))
    without = concatenated(run(2_000, days=20, compromised_amount_factor=1))
    struck = with_frauds.scenario == 3
    ratio = with_frauds.amount_minor[struck] / np.maximum(1, without.amount_minor[struck])
    assert set(ratio[without.amount_minor[struck] > 0]) <= {5.0, 25.0, 125.0}
    assert (with_frauds.amount_minor[~struck] == without.amount_minor[~struck]).all()


sizes = st.integers(1, 60)
seeds = st.integers(0, 2**40)


@settings(max_examples=25)
@given(sizes, seeds, st.integers(1, 6))
def test_the_same_seed_gives_the_same_table_and_a_longer_run_begins_with_it(
    customers: int, seed: int, days: int
) -> None:
    longer = run(customers, seed=seed, days=days + 2)
    for once, again in zip(run(customers, seed=seed, days=days), longer, strict=False):
        assert_same(once, again)


@settings(max_examples=25)
@given(sizes, seeds, st.integers(1, 6), st.dates(date(1971, 1, 1), date(2100, 1, 1)))
def test_days_are_complete_inside_their_day_and_in_time_order(
    customers: int, seed: int, days: int, start: date
) -> None:
    tables = list(
        simulate(SimulatorParameters(customers=customers), seed=seed, days=days, start=start, prefix="p-")
    )
    assert len(tables) == days
    for number, table in enumerate(tables):
        first = midnight_ms(start + timedelta(days=number))
        assert (np.diff(table.event_time_ms) >= 0).all()
        assert ((table.event_time_ms > first) & (table.event_time_ms < first + DAY_MS)).all()
        assert (table.event_time_ms % 1000 == 0).all()
    everything = concatenated(tables)
    assert everything.transaction_id.tolist() == [f"p-{number}" for number in range(len(everything))]
    assert everything.label is not None
    assert (everything.label == (everything.scenario != 0)).all()
    assert (everything.amount_minor >= 0).all()


def test_another_seed_gives_another_table() -> None:
    assert run(50, seed=1)[0].amount_minor.tolist() != run(50, seed=2)[0].amount_minor.tolist()


def test_who_has_no_terminal_in_reach_never_pays() -> None:
    assert len(concatenated(run(50, radius=1e-6))) == 0


def test_as_many_terminals_are_in_reach_however_many_customers() -> None:
    for customers in (10, 5_000, 1_000_000):
        parameters = SimulatorParameters(customers=customers)
        assert parameters.terminals / parameters.side**2 == pytest.approx(1.0)


@pytest.mark.parametrize(("seed", "days"), [(-1, 1), (1, -1)])
def test_a_negative_seed_or_length_is_refused(seed: int, days: int) -> None:
    with pytest.raises(BadSetting, match="Next: give"):
        run(1, seed=seed, days=days)


@pytest.mark.parametrize("wrong", [{"customers": 0}, {"radius": 0.0}, {"terminals_per_customer": 0}])
def test_parameters_that_make_no_world_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadSetting, match="Next: set"):
        SimulatorParameters(**wrong)  # type: ignore[arg-type]
