"""What callers ask: by seed, in the mix of the docs, each with the answer that is right."""

import re
from collections import Counter
from datetime import date

import msgspec
import pytest

from api.bodies import AskedTransaction
from load.columns import Transactions
from load.traffic import (
    AGAIN,
    BATCH,
    LOOK_UP,
    MIX,
    NEW,
    NO_CUSTOMER,
    OTHER_BODY,
    Caller,
    Question,
    transactions_of,
)
from streams.settings import CHECKOUT

DAY = date(2018, 6, 21)


@pytest.fixture(scope="module")
def table() -> Transactions:
    return transactions_of(50, 1, DAY, "CHF")


def asked(table: Transactions, count: int, name: str = "run-0", seed: int = 1) -> list[Question]:
    """Questions of a caller who is always answered as is right."""
    caller = Caller(table, name, seed)
    found = []
    for _ in range(count):
        found.append(caller.ask())
        caller.hear(found[-1], found[-1].expected[0])
    return found


def told(questions: list[Question]) -> list[tuple[str, str, bytes | None]]:
    return [(each.kind, each.path, each.body) for each in questions]


def test_the_same_seed_and_name_ask_the_same_and_others_do_not(table: Transactions) -> None:
    first = told(asked(table, 200))
    assert first == told(asked(table, 200))
    assert first != told(asked(table, 200, seed=2))
    again = Caller(table, "run-0", 1), Caller(table, "run-0", 1)
    assert again[0].wait_s(2.0) == again[1].wait_s(2.0)


def test_the_mix_is_that_of_the_docs(table: Transactions) -> None:
    assert sum(MIX.values()) == 100
    counts = Counter(each.kind for each in asked(table, 20_000))
    assert counts.keys() == MIX.keys()
    for kind, share in MIX.items():
        assert counts[kind] / 200 == pytest.approx(share, abs=1)
    page = (CHECKOUT / "docs" / "load-testing.md").read_text()
    rows = re.findall(r"^\| (\d+)(?: each)? \| ((?:`[^`]+`(?:, )?)+)", page, re.MULTILINE)
    assert {kind: int(share) for share, kinds in rows for kind in re.findall("`([^`]+)`", kinds)} == MIX


def test_no_two_callers_and_no_two_questions_have_a_new_id_in_common(table: Transactions) -> None:
    questions = [*asked(table, 500), *asked(table, 500, "run-1")]
    ids = [
        one
        for each in questions
        if each.kind in (NEW, BATCH) and each.transactions
        for one in each.transactions.transaction_id
    ]
    assert len(ids) == len(set(ids))


def test_what_was_decided_is_asked_again_and_looked_up_by_its_id(table: Transactions) -> None:
    bodies: dict[str, bytes | None] = {}
    seen = Counter[str]()
    for each in asked(table, 2_000):
        seen[each.kind] += 1
        if each.kind == NEW and each.transactions:
            bodies[str(each.transactions.transaction_id[0])] = each.body
        elif each.kind == AGAIN:
            assert each.body in bodies.values()
        elif each.kind == LOOK_UP:
            assert each.path.rpartition("/")[2] in bodies
        elif each.kind == OTHER_BODY:
            assert msgspec.json.decode(each.body or b"")["transaction_id"] in bodies
            assert each.body not in bodies.values()
    assert min(seen[kind] for kind in (AGAIN, LOOK_UP, OTHER_BODY)) > 0


def test_where_nothing_is_decided_nothing_is_asked_again(table: Transactions) -> None:
    caller = Caller(table, "run-0", 1)
    for _ in range(500):
        question = caller.ask()
        assert question.kind not in (AGAIN, LOOK_UP, OTHER_BODY)
        caller.hear(question, 503)


def test_new_transactions_are_some_that_a_gateway_takes(table: Transactions) -> None:
    for each in asked(table, 300):
        if each.kind == NEW:
            found = msgspec.json.decode(each.body or b"", type=AskedTransaction)
            assert found.currency == "CHF"
        if each.kind == NO_CUSTOMER:
            with pytest.raises(msgspec.ValidationError):
                msgspec.json.decode(each.body or b"", type=AskedTransaction)


def test_transactions_are_of_the_day_and_the_one_before(table: Transactions) -> None:
    assert {day for day, _ in table.days()} == {DAY, date(2018, 6, 20)}
