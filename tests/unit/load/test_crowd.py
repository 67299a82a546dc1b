"""Crowds: their histories are such as a stream of years leaves, and a transaction finds them so."""

import numpy as np
import pytest

from load.bench.crowd import NOW_MS, RETENTION, Crowd, Histories, busy_history
from load.columns import DAY_MS
from models.compaction import compacted, overgrown
from models.features import DAY_S, ENTITIES, Entity
from models.history import EVENT, RECORD, Timeline, pack, unpack

CROWD = Crowd("crowd", 300)


def drawn(entity: Entity) -> Histories:
    (found,) = CROWD.histories(entity, np.random.default_rng(1))
    return found


def each_of(histories: Histories) -> list[bytes]:
    ends = np.cumsum(histories.sizes) * RECORD.itemsize
    return [
        histories.packed[end - size : end] for end, size in zip(ends, np.diff(ends, prepend=0), strict=True)
    ]


def shares_overgrown(entity: Entity, stored: list[bytes]) -> float:
    many = len(stored)
    timeline = Timeline.of(unpack(stored), many)
    keep_s = np.full(many, RETENTION.keep_s(entity))
    return len(overgrown(timeline, keep_s, np.full(many, RETENTION.most_records(entity)))) / many


@pytest.mark.parametrize(("entity", "count", "stays"), [("customer", 300, 66), ("terminal", 600, 40)])
def test_everybody_has_what_counts_still_and_up_to_half_as_much_again(
    entity: Entity, count: int, stays: int
) -> None:
    histories = drawn(entity)
    assert len(set(histories.names)) == count
    assert set(histories.whole) == {stays}
    assert (histories.sizes.min(), histories.sizes.max()) == (stays, stays + stays // 2 - 1)
    assert sum(map(len, each_of(histories))) == len(histories.packed)


@pytest.mark.parametrize("entity", ENTITIES)
def test_a_history_is_in_the_order_of_time_and_reaches_back_as_far_as_its_records_take(
    entity: Entity,
) -> None:
    histories = drawn(entity)
    stored = each_of(histories)
    for code in (0, len(stored) - 1):
        records = unpack([stored[code]])
        assert bool((np.diff(records.time_s) >= 0).all())
        assert records.time_s[-1] <= NOW_MS // 1000
        days = (NOW_MS // 1000 - int(records.time_s[0])) / DAY_S
        assert days == pytest.approx(histories.sizes[code] / CROWD.a_day(entity), abs=1 / CROWD.a_day(entity))


@pytest.mark.parametrize("entity", ENTITIES)
@pytest.mark.parametrize("customer_a_day", [8, 32])
def test_the_busier_customers_are_the_longer_histories_are(entity: Entity, customer_a_day: int) -> None:
    crowd = Crowd("crowd", 300, customer_a_day)
    (histories,) = crowd.histories(entity, np.random.default_rng(1))
    assert float(histories.sizes.mean()) == pytest.approx(crowd.records(entity), rel=0.02)
    assert crowd.records(entity) == pytest.approx(customer_a_day / 2 * CROWD.records(entity), rel=0.02)


@pytest.mark.parametrize("entity", ENTITIES)
def test_no_history_is_to_be_made_smaller_before_it_has_grown_by_half(entity: Entity) -> None:
    stored = each_of(drawn(entity))
    assert shares_overgrown(entity, stored) == 0
    stays = CROWD.stays(entity)
    largest = [raw for raw in stored if len(raw) == (stays + stays // 2 - 1) * RECORD.itemsize]
    times = NOW_MS // 1000 + np.arange(3) * DAY_S // CROWD.a_day(entity)
    more = pack(times, np.zeros_like(times), EVENT).tobytes()
    assert largest
    assert shares_overgrown(entity, [raw + more for raw in largest]) == 1


@pytest.mark.parametrize(("appended", "whole"), [(True, 0), (False, 60)])
def test_a_month_is_two_records_a_day(appended: bool, whole: int) -> None:
    month = CROWD.month(np.random.default_rng(1), appended)
    assert (set(month.sizes), set(month.whole)) == ({60}, {whole})
    assert len(month.packed) == 300 * 60 * RECORD.itemsize


def test_transactions_follow_at_two_a_day_of_each_customer() -> None:
    table = CROWD.transactions(1200, first=600, rng=np.random.default_rng(1))
    assert table.event_time_ms[0] == NOW_MS + DAY_MS
    assert table.event_time_ms[-1] == pytest.approx(NOW_MS + 3 * DAY_MS, abs=DAY_MS / 600)
    assert len(set(table.transaction_id)) == 1200
    assert set(table.customer_id) <= set(drawn("customer").names)
    assert set(table.terminal_id) <= set(drawn("terminal").names)


def test_a_hot_terminal_has_its_share_of_all() -> None:
    table = CROWD.transactions(20_000, 0, np.random.default_rng(1), hot_share=0.1)
    assert float((table.terminal_id == CROWD.hot_terminal).mean()) == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("a_day", [30, 2_000, 200_000])
def test_a_busy_history_counts_what_was_made_and_is_half_way_to_being_made_smaller(a_day: int) -> None:
    stored = busy_history(a_day)
    kept_days = RETENTION.keep_s("terminal") / DAY_S
    assert int(unpack([stored]).count.sum()) == pytest.approx(a_day * kept_days, rel=0.06)
    records = len(stored) // RECORD.itemsize
    assert records <= RETENTION.most_records("terminal")
    assert len(compacted(stored, "terminal", RETENTION)) <= len(stored)
    assert shares_overgrown("terminal", [stored]) == 0
