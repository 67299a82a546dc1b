"""From a score to approve, review or decline: at the edges, and for any two thresholds."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.decision import VERDICTS, Verdict
from models.errors import BadSetting
from models.policy import APPROVE, DECLINE, DEFAULT_POLICY, REVIEW, Band, Fallback, Policy, flat_policy

probabilities = st.floats(0, 1, allow_nan=False)
thresholds = st.tuples(probabilities, probabilities).map(sorted)
BELOW = {edge: math.nextafter(edge, 0) for edge in (0.3, 0.8)}


def decided(policy: Policy, scores: list[float], amount_minor: int = 100) -> list[int]:
    amounts = np.full(len(scores), amount_minor, np.int64)
    return [int(each) for each in policy.decide(np.array(scores, np.float64), amounts)]


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        (0.0, "approve"),
        (BELOW[0.3], "approve"),
        (0.3, "review"),
        (BELOW[0.8], "review"),
        (0.8, "decline"),
        (1.0, "decline"),
    ],
)
def test_a_threshold_belongs_to_the_stricter_verdict(score: float, verdict: str) -> None:
    assert DEFAULT_POLICY.verdict(score, 100) == verdict


def test_what_is_no_number_is_never_approved() -> None:
    """The scorer refuses such scores before; were it not to, nobody's money would leave on them."""
    assert DEFAULT_POLICY.verdict(math.nan, 100) == "decline"


@given(thresholds, st.lists(probabilities))
def test_each_score_is_decided_by_its_own_place_among_the_thresholds(
    edges: list[float], scores: list[float]
) -> None:
    review_at, decline_at = edges
    expected = [
        DECLINE if score >= decline_at else REVIEW if score >= review_at else APPROVE for score in scores
    ]
    assert decided(flat_policy("p", review_at, decline_at), scores) == expected


@given(thresholds, probabilities)
def test_one_score_alone_is_decided_as_among_many(edges: list[float], score: float) -> None:
    policy = flat_policy("p", *edges)
    together = decided(policy, [0.0, score, 1.0])
    assert policy.verdict(score, 100) == VERDICTS[together[1]]


def test_equal_thresholds_leave_no_reviews() -> None:
    policy = flat_policy("p", 0.5, 0.5)
    assert [policy.verdict(score, 100) for score in (BELOW[0.3], 0.5)] == ["approve", "decline"]


def test_the_verdicts_are_numbered_from_the_mildest() -> None:
    assert [VERDICTS[index] for index in (APPROVE, REVIEW, DECLINE)] == ["approve", "review", "decline"]


@pytest.mark.parametrize(
    ("review_at", "decline_at"),
    [(0.8, 0.3), (-0.1, 0.5), (0.5, 1.1), (math.nan, 0.5), (0.5, math.nan), (0.3, math.inf)],
)
def test_thresholds_that_cannot_be_are_refused(review_at: float, decline_at: float) -> None:
    with pytest.raises(BadSetting, match=f"p has {review_at} and {decline_at}"):
        flat_policy("p", review_at, decline_at)


@pytest.mark.parametrize(("amount_minor", "verdict"), [(0, "approve"), (4_999, "approve"), (5_000, "review")])
def test_without_a_model_small_amounts_pass_and_large_ones_are_looked_at(
    amount_minor: int, verdict: str
) -> None:
    _, found = DEFAULT_POLICY.assume(np.array([amount_minor]))
    assert VERDICTS[int(found[0])] == verdict


fallbacks = st.sampled_from(VERDICTS)


@given(st.lists(st.integers(0, 10**12), max_size=20), fallbacks, fallbacks)
def test_a_score_that_nothing_measured_is_where_its_verdict_begins(
    amounts: list[int], small: Verdict, large: Verdict
) -> None:
    bands = (Band(0, 0.2, 0.6), Band(10_000, 0.1, 0.5))
    policy = Policy("p", bands, (Fallback(0, small), Fallback(9_000, large)))
    amount_minor = np.array(amounts, np.int64)
    scores, verdict = policy.assume(amount_minor)
    assert policy.decide(scores, amount_minor).tolist() == verdict.tolist()
    assert [VERDICTS[each] for each in verdict] == [small if each < 9_000 else large for each in amounts]


def test_fallbacks_begin_at_0_and_rise() -> None:
    with pytest.raises(BadSetting, match="begin at 0"):
        Policy("p", (Band(0, 0.2, 0.6),), (Fallback(100, "review"),))


@pytest.mark.parametrize(
    ("amount_minor", "review_at"), [(0, 0.3), (49_999, 0.3), (50_000, 0.1), (10**12, 0.1)]
)
def test_an_amount_has_the_thresholds_that_it_is_decided_by(amount_minor: int, review_at: float) -> None:
    policy = Policy("p", (Band(0, 0.3, 0.8), Band(50_000, 0.1, 0.5)))
    assert policy.band(amount_minor).review_at == review_at
    assert policy.verdict(review_at, amount_minor) == "review"
    assert policy.verdict(math.nextafter(review_at, 0), amount_minor) == "approve"
