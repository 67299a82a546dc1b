"""The ledger decides once: first write wins, and a sweep is taken whole or not at all."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from models.errors import ProgressMoved
from streams.arrivals import Sweep
from streams.ledger.settling import COPIED_FROM
from streams.ports import Duplicates, Settled
from tests.builders import Log, transaction
from tests.contracts.ledger_worlds import LedgerThatTells, LedgerWorld
from tests.contracts.offers import decide, following, offer, owners, recorded, records

REVIEWED, DECLINED = 20_000, 200_000


@pytest.fixture(params=[1, COPIED_FROM], ids=["copied", "inserted"])
def copied_from(request: pytest.FixtureRequest) -> int:
    return int(request.param)


def verdict(ledger: LedgerThatTells, transaction_id: str) -> str | None:
    found = ledger.decision(transaction_id)
    return found.decision if found else None


def test_the_first_decision_stands(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a", amount_minor=REVIEWED))
    again = offer(ledger, following(ledger, transaction("a", amount_minor=DECLINED)))
    assert again == Duplicates([0], conflicts=[0])
    assert verdict(ledger, "a") == "review"


def test_a_copy_is_a_duplicate_and_the_first_record_stays_the_owner(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), transaction("b"))
    assert offer(ledger, following(ledger, transaction("b"))) == Duplicates([0], [])
    assert owners(ledger) == {0: "a", 1: "b"}


def test_a_copy_in_another_partition_is_a_duplicate_too(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    assert offer(ledger, records(transaction("a"), partition=1)) == Duplicates([0], [])
    assert owners(ledger, partition=1) == {}


def test_duplicates_are_told_by_their_rows_and_those_with_another_body_are_conflicts(
    ledger: LedgerThatTells,
) -> None:
    decide(ledger, transaction("b"), transaction("c"))
    sweep = following(ledger, transaction("d"), transaction("c", amount_minor=1), transaction("b"))
    assert offer(ledger, sweep) == Duplicates([1, 2], conflicts=[1])


def test_the_second_of_two_equal_ids_in_a_sweep_is_the_duplicate(ledger: LedgerThatTells) -> None:
    sweep = records(transaction("a"), transaction("b"), transaction("a", amount_minor=1))
    assert offer(ledger, sweep) == Duplicates([2], conflicts=[2])


@pytest.mark.parametrize(
    "other",
    [
        {"amount_minor": 2000},
        {"customer_id": "c-2"},
        {"terminal_id": "t-2"},
        {"event_time": "2023-11-14T12:00:00.001Z"},
        {"attributes": {"channel": "web"}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_any_other_body_is_a_conflict(ledger: LedgerThatTells, other: dict[str, Any]) -> None:
    document = transaction("a", event_time="2023-11-14T12:00:00Z")
    decide(ledger, document)
    assert offer(ledger, following(ledger, document | other)) == Duplicates([0], conflicts=[0])


def test_a_sweep_with_a_duplicate_leaves_nothing(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    offer(ledger, following(ledger, transaction("b"), b"{oops", transaction("a")))
    assert verdict(ledger, "b") is None
    assert recorded(ledger).dead == {}
    assert ledger.progress("transactions-id", [0]) == {0: 1}


def test_a_sweep_without_its_duplicates_is_taken(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    sweep = following(ledger, transaction("a"), transaction("b"))
    assert offer(ledger, sweep, leave_out=[0]) == Settled()
    assert owners(ledger) == {0: "a", 2: "b"}
    assert ledger.progress("transactions-id", [0]) == {0: 3}


def test_a_record_that_comes_again_is_its_own_and_keeps_its_first_decision(ledger: LedgerThatTells) -> None:
    sweep = records(transaction("a", amount_minor=REVIEWED))
    offer(ledger, sweep, step={"reached": {0: 0}})
    assert offer(ledger, sweep, verdict=np.array([0], np.int8)) == Settled()
    assert verdict(ledger, "a") == "review"
    assert owners(ledger) == {0: "a"}


def test_progress_begins_at_nothing(ledger: LedgerThatTells) -> None:
    assert ledger.progress("transactions-id", [0, 7]) == {0: 0, 7: 0}
    assert ledger.all_progress() == {}


def test_progress_moves_with_the_sweep_over_holes_in_the_offsets(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"))
    offer(ledger, records(transaction("b"), first=41), step={"expected": {0: 1}})
    assert ledger.progress("transactions-id", [0, 1]) == {0: 42, 1: 0}
    assert owners(ledger) == {0: "a", 41: "b"}


def test_the_partitions_of_a_sweep_move_together(ledger: LedgerThatTells) -> None:
    log = Log()
    log.produce(transaction("a"), transaction("b"), partition=0)
    log.produce(transaction("c"), partition=5)
    assert offer(ledger, log.sweep()) == Settled()
    assert ledger.progress("transactions-id", [5, 0]) == {5: 1, 0: 2}


def test_a_topic_made_again_begins_anew_and_the_old_one_is_remembered(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), transaction("b"))
    decide(ledger, transaction("c"), topic_id="made-again")
    assert ledger.progress("made-again", [0]) == {0: 1}
    assert ledger.all_progress() == {("transactions-id", 0): 2, ("made-again", 0): 1}
    assert owners(ledger) == {0: "a", 1: "b"}


@pytest.mark.parametrize("believed", [0, 1, 3])
def test_a_sweep_built_on_other_progress_is_refused(ledger: LedgerThatTells, believed: int) -> None:
    decide(ledger, transaction("a"), transaction("b"))
    sweep = records(b"{oops", transaction("c"), first=2)
    with pytest.raises(ProgressMoved):
        offer(ledger, sweep, step={"expected": {0: believed}})
    assert verdict(ledger, "c") is None
    assert recorded(ledger).dead == {}
    assert ledger.progress("transactions-id", [0]) == {0: 2}


def test_one_partition_that_has_moved_refuses_the_whole_sweep(ledger: LedgerThatTells) -> None:
    decide(ledger, transaction("a"), partition=1)
    log = Log()
    log.produce(transaction("b"), partition=0)
    log.produce(transaction("c"), partition=1)
    with pytest.raises(ProgressMoved):
        offer(ledger, log.sweep(), step={"expected": {0: 0, 1: 0}})
    assert ledger.progress("transactions-id", [0, 1]) == {0: 0, 1: 1}
    assert verdict(ledger, "b") is None


def test_a_sweep_that_comes_again_gets_no_new_verdict(ledger: LedgerThatTells) -> None:
    sweep = records(transaction("a"), b"{oops")
    offer(ledger, sweep)
    with pytest.raises(ProgressMoved):
        offer(ledger, records(b"{oops", transaction("b")), step={"expected": {0: 0}})
    assert owners(ledger) == {0: "a"}
    assert list(recorded(ledger).dead) == [(0, 1)]


@pytest.mark.parametrize("dead", [[], [b"{oops"]], ids=["decisions alone", "with a dead letter"])
def test_progress_never_goes_back(ledger: LedgerThatTells, dead: list[bytes]) -> None:
    decide(ledger, *(transaction(f"tx-{number}") for number in range(5)))
    sweep = records(transaction("late comer"), *dead, first=1)
    with pytest.raises(ProgressMoved):
        offer(ledger, sweep)
    assert ledger.progress("transactions-id", [0]) == {0: 5}


def offers(ledgers: LedgerWorld, *sweeps: Sweep) -> list[Any]:
    """What the ledger says to workers that offer these sweeps at the same moment."""
    return ledgers.at_once(
        *(partial(offer, ledgers.another(), sweep, step={"expected": starts(sweep)}) for sweep in sweeps)
    )


def starts(sweep: Sweep) -> dict[int, int]:
    return {number: int(sweep.offset[sweep.partition == number].min()) for number in sweep.partitions()}


def test_of_two_workers_with_one_partition_one_settles(ledgers: LedgerWorld) -> None:
    for first in range(5):
        found = offers(ledgers, *(records(transaction(f"{name}-{first}"), first=first) for name in "ab"))
        assert {type(each) for each in found} == {ProgressMoved, Settled}
    assert ledgers.ledger.progress("transactions-id", [0]) == {0: 5}
    assert len(owners(ledgers.ledger)) == 5


def test_two_workers_with_the_same_ids_in_any_order_do_not_block_each_other(ledgers: LedgerWorld) -> None:
    documents = [transaction(f"tx-{number}") for number in range(2048)]
    sweeps = records(*documents, partition=0), records(*reversed(documents), partition=1)
    found = offers(ledgers, *sweeps)
    assert {type(each) for each in found} == {Duplicates, Settled}
    assert list(ledgers.ledger.all_progress().values()) == [2048]
