"""Whole months leave, once their last moment is as old as the setting says, and never a younger one."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.archive.months import DAY, after, begin_of, due
from models.archived import month_of
from models.errors import BadSetting
from streams.kinds_of_settings import FEWEST_DAYS_KEPT
from streams.settings import read_settings

moments = st.integers(1_420_070_400, 2_366_841_600).map(lambda at_s: datetime.fromtimestamp(at_s, UTC))
settings = st.integers(FEWEST_DAYS_KEPT, 3000)


@given(moments, moments, settings)
def test_what_leaves_is_older_than_the_setting_and_what_stays_has_a_younger_moment(
    oldest: datetime, now: datetime, keep_days: int
) -> None:
    found = due(oldest, now, keep_days)
    last_kept = now - keep_days * DAY
    assert all(begin_of(after(month)) <= last_kept for month in found)
    next_one = after(found[-1]) if found else month_of(oldest)
    assert begin_of(after(next_one)) > last_kept


@given(moments, moments, settings)
def test_months_follow_each_other_from_the_oldest_decision_on(
    oldest: datetime, now: datetime, keep_days: int
) -> None:
    found = due(oldest, now, keep_days)
    assert found == sorted(set(found))
    if found:
        assert begin_of(found[0]) <= oldest < begin_of(after(found[0]))
        assert [after(month) for month in found[:-1]] == found[1:]


@given(moments, moments, settings, st.integers(1, 400))
def test_a_month_that_leaves_stays_away(oldest: datetime, now: datetime, keep_days: int, later: int) -> None:
    assert set(due(oldest, now, keep_days)) <= set(due(oldest, now + timedelta(days=later), keep_days))


def test_an_empty_ledger_has_nothing_to_leave() -> None:
    assert due(None, datetime(2026, 1, 1, tzinfo=UTC), 40) == []


def test_a_month_ends_in_utc() -> None:
    midnight = datetime.fromisoformat("2026-02-01T00:30:00+01:00")
    assert f"{month_of(midnight):%Y-%m}" == "2026-01"


@pytest.mark.parametrize("days", ["39", "0", "-1"])
def test_fewer_days_than_histories_and_late_labels_need_are_refused(
    days: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRAUDML_KEEP_DECISIONS_DAYS", days)
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert str(refused.value).startswith("FRAUDML_KEEP_DECISIONS_DAYS is not usable. ")
    assert "the decisions of 40 days" in str(refused.value)


@pytest.mark.parametrize("days", ["36501", "99999999999"])
def test_more_days_than_can_be_reckoned_back_are_refused(days: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_KEEP_DECISIONS_DAYS", days)
    with pytest.raises(BadSetting, match="is for ever: leave it unset"):
        read_settings()


def test_forty_days_and_none_at_all_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().keep_decisions_days is None
    monkeypatch.setenv("FRAUDML_KEEP_DECISIONS_DAYS", "40")
    assert read_settings().keep_decisions_days == 40
