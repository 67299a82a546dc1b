"""What callers were told is held against what stands."""

import pytest

from load.chaos.heard import LOST, ClientView, Heard, Reply
from streams.answered import answer_document
from tests.builders import decided

ROW = answer_document(decided(transaction_id="tx"))
OTHER = answer_document(decided(transaction_id="tx", score=0.999))


def reply(status: int, code: str = "", body: bytes = b"", durable: str = "ledger") -> Reply:
    return Reply(status, code, body, durable, at_s=1.0, took_s=0.01)


def heard(*replies: Reply) -> Heard:
    found = Heard()
    for each in replies:
        found.note(each)
    return found


def view_of(found: Heard, row: bytes | None) -> tuple[ClientView, list[str]]:
    view = ClientView()
    breaches = list(view.breaches({"tx": found}, {} if row is None else {"tx": row}))
    return view, breaches


@pytest.mark.parametrize("status", [200, 202])
def test_an_answer_that_is_the_row_byte_for_byte_agrees(status: int) -> None:
    view, breaches = view_of(heard(reply(status, body=ROW), reply(200, body=ROW)), ROW)
    assert (view.told, view.disagree, breaches) == (1, 0, [])


def test_an_answer_that_is_not_the_row_disagrees() -> None:
    view, breaches = view_of(heard(reply(200, body=OTHER)), ROW)
    assert (view.disagree, len(breaches)) == (1, 1)


def test_two_different_answers_disagree_whatever_the_row_says() -> None:
    assert view_of(heard(reply(200, body=ROW), reply(200, body=OTHER)), ROW)[0].disagree == 1


@pytest.mark.parametrize("durable", ["ledger", "log"])
def test_an_answer_without_a_row_disagrees(durable: str) -> None:
    assert view_of(heard(reply(200, body=ROW, durable=durable)), None)[0].disagree == 1


def test_an_answer_from_the_log_may_have_been_overtaken_and_is_counted_apart() -> None:
    view, breaches = view_of(heard(reply(202, body=OTHER, durable="log")), ROW)
    assert (view.disagree, view.overtaken, view.logged, len(breaches)) == (0, 1, 1, 1)


def test_what_was_refused_must_be_absent() -> None:
    refused = heard(reply(422, "currency"))
    assert view_of(refused, None)[0] == ClientView(asked=1, refused=1)
    assert view_of(refused, ROW)[0].disagree == 1


@pytest.mark.parametrize(
    "passing",
    [(LOST, "ReadError"), (503, "no_time_left"), (409, "in_flight"), (429, "rate_limited")],
    ids=str,
)
@pytest.mark.parametrize("row", [None, ROW], ids=["absent", "there"])
def test_what_is_unknown_may_go_either_way(passing: tuple[int, str], row: bytes | None) -> None:
    found = heard(reply(*passing))
    assert not found.settled
    view, breaches = view_of(found, row)
    assert (view.unknown, view.disagree, breaches) == (1, 0, [])
