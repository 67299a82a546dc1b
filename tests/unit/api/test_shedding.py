"""Too many requests: those that matter more still find a place."""

from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.shedding import RETRY_AFTER_S, SHARES, Admission, Kind

IN_ORDER: tuple[Kind, ...] = ("score", "lookup", "admin", "dashboard")


def let_in(admission: Admission, kind: Kind, requests: ExitStack) -> bool:
    """Whether a request found a place, which it keeps until `requests` is closed."""
    return requests.enter_context(admission.place(kind)) is None


def test_what_matters_less_has_less_room() -> None:
    assert tuple(SHARES) == IN_ORDER
    assert list(SHARES.values()) == sorted(SHARES.values(), reverse=True)


@pytest.mark.parametrize(("kind", "most"), [("score", 100), ("lookup", 80), ("admin", 70), ("dashboard", 50)])
def test_a_kind_alone_is_let_in_up_to_its_share(kind: Kind, most: int) -> None:
    admission = Admission(100)
    with ExitStack() as requests:
        assert [let_in(admission, kind, requests) for _ in range(100)].count(True) == most


def test_the_last_places_are_kept_for_scoring() -> None:
    admission = Admission(10)
    with ExitStack() as requests:
        for _ in range(8):
            let_in(admission, "lookup", requests)
        others = [let_in(admission, kind, requests) for kind in IN_ORDER[1:]]
        assert others == [False, False, False]
        assert [let_in(admission, "score", requests) for _ in range(3)] == [True, True, False]


def test_who_is_refused_is_told_when_to_come_again_and_takes_no_place() -> None:
    admission = Admission(1)
    with admission.place("score"), admission.place("score") as retry_after_s:
        assert (retry_after_s, admission.in_progress) == (RETRY_AFTER_S, 1)
    assert admission.in_progress == 0


def test_a_request_that_fails_gives_its_place_back() -> None:
    admission = Admission(1)
    with pytest.raises(ZeroDivisionError), admission.place("score"):
        raise ZeroDivisionError
    with admission.place("score") as retry_after_s:
        assert retry_after_s is None


@pytest.mark.parametrize("kind", IN_ORDER)
def test_where_nothing_else_is_going_on_nobody_is_shut_out(kind: Kind) -> None:
    with Admission(1).place(kind) as retry_after_s:
        assert retry_after_s is None


@given(st.integers(1, 30), st.lists(st.sampled_from([*IN_ORDER, None]), max_size=60))
def test_no_kind_is_refused_where_one_that_matters_less_is_let_in(
    places: int, events: list[Kind | None]
) -> None:
    """None: the request that came last among those in progress ends."""
    admission = Admission(places)
    requests: list[ExitStack] = []
    for kind in events:
        if kind is None:
            if requests:
                requests.pop().close()
            continue
        with ExitStack() as probes:
            open_to = [would_be_let_in(admission, each) for each in IN_ORDER]
            assert open_to == sorted(open_to, reverse=True)
            if let_in(admission, kind, probes):
                requests.append(probes.pop_all())
        assert admission.in_progress == len(requests) <= places


def would_be_let_in(admission: Admission, kind: Kind) -> bool:
    with admission.place(kind) as retry_after_s:
        return retry_after_s is None
