"""Committed offsets and watermarks stay behind the progress, that stays in the log, and none goes back."""

from collections.abc import Callable

import pytest

from load.doubles import Row
from streams.reconcile.positions import Standings
from streams.topics import Partition
from tests.builders import transaction
from tests.unit.streams.reconciled import Traffic

FIRST = Partition("transactions-id", 0)


def traffic() -> Traffic:
    world = Traffic()
    world.send(*(transaction(f"tx-{n}") for n in range(4)), b"{oops")
    return world


def found(world: Traffic, before: Standings | None = None) -> list[str]:
    return world.outcome(histories="none", before=before).checks["positions"].first


def commit(world: Traffic, offset: int) -> None:
    world.outbox.offsets["transactions", 0] = offset


def apply(world: Traffic, offset: int) -> None:
    group = world.view.state[0]
    group.watermarks[group.view or "", FIRST] = offset


def expire_undone(world: Traffic) -> None:
    commit(world, 2)
    world.expired["transactions", 0] = 3


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda world: commit(world, 9), "committed 9 is past the ledger's progress 5"),
        (lambda world: apply(world, 6), "watermark 6 of group 0 is past the ledger's progress 5"),
        (
            lambda world: world.outbox.offsets.clear(),
            "the group has no committed offset, though the ledger's progress is 5",
        ),
        (
            expire_undone,
            "the log begins at 3, and the group had only come to 2",
        ),
    ],
    ids=["committed", "watermark", "no offset", "expired"],
)
def test_a_position_out_of_order_is_found(damage: Callable[[Traffic], None], what: str) -> None:
    world = traffic()
    damage(world)
    assert found(world) == [f"transactions/0: {what}"]


def test_a_log_that_ends_before_the_progress_is_found() -> None:
    world = traffic()
    del world.logs["transactions"].partitions[0][3:]
    commit(world, 3)
    assert found(world) == ["transactions/0: the ledger's progress 5 is past the log's end 3"]


def test_a_group_that_has_just_begun_stands_where_the_log_begins() -> None:
    world = Traffic()
    world.logs["transactions"].produce(*(transaction(f"tx-{n}") for n in range(9)))
    world.expired = {("transactions", 0): 7}
    commit(world, 7)
    assert found(world) == []
    commit(world, 8)
    assert found(world) == ["transactions/0: committed 8 is past the ledger's progress 0"]


def test_the_watermarks_of_an_earlier_ledgers_view_do_not_count() -> None:
    world = traffic()
    apply(world, 6)
    world.ledger.ledger_id = "restored"
    assert found(world) == []


def test_a_position_that_moves_while_it_is_read_is_in_order() -> None:
    """What must lie behind is read first."""
    world = traffic()
    stores = world.stores()
    ask = stores.log.committed

    def committed(topic: str) -> dict[int, int]:
        told = ask(topic)
        world.send(transaction("next"))
        return told

    stores.log.committed = committed  # type: ignore[method-assign]
    stores.log.ends = lambda topic: world.topics().ends(topic)  # type: ignore[method-assign]
    assert world.outcome(stores=stores, histories="none").checks["positions"].first == []


@pytest.mark.parametrize("table", ["rows", "dead"])
def test_what_is_recorded_where_nothing_is_settled_is_found(table: str) -> None:
    world = traffic()
    if table == "rows":
        row = world.ledger.rows["tx-3"]
        world.ledger.rows["stray"] = Row(row.decided, ("transactions-id", 0, 5), row.features)
        assert found(world) == ["a decision is recorded at transactions/0/5, at or above the progress"]
    else:
        world.ledger.dead["transactions-id", 0, 7] = ("not_json", "")
        assert found(world) == ["a dead letter is recorded at transactions/0/7, at or above the progress"]


# Between two looks.


def test_positions_that_go_on_are_in_order() -> None:
    world = traffic()
    before = world.outcome().standings
    world.send(transaction("next"))
    assert found(world, before) == []


def test_a_progress_that_went_back_is_found() -> None:
    world = traffic()
    before = world.outcome().standings
    world.settle("transactions", 0, 3)
    apply(world, 3)
    assert "transactions/0: the ledger's progress went back from 5 to 3" in found(world, before)


def test_a_committed_offset_that_went_back_is_found() -> None:
    world = traffic()
    before = world.outcome().standings
    commit(world, 3)
    assert found(world, before) == ["transactions/0: the committed offset went back from 5 to 3"]


def test_after_a_restore_positions_may_go_back() -> None:
    world = traffic()
    before = world.outcome().standings
    world.ledger.ledger_id = "restored"
    world.ledger.next_offsets[FIRST] = 5
    commit(world, 3)
    assert found(world, before) == []


def test_a_view_that_falls_back_is_no_damage_but_its_histories_are_looked_at() -> None:
    """Redis has lost its last second: histories and watermarks alike."""
    world = traffic()
    before = world.outcome().standings
    assert world.outcome(histories="none", before=before).checks["histories"].checked == 0
    apply(world, 3)
    outcome = world.outcome(histories="none", before=before)
    assert outcome.checks["positions"].findings == 0
    assert outcome.checks["histories"].first == [
        "the history of customer c-1 is not what the ledger gives",
        "the history of terminal t-1 is not what the ledger gives",
    ]


def test_a_view_begun_anew_has_not_fallen_back() -> None:
    world = traffic()
    before = world.outcome().standings
    group = world.view.state[0]
    group.watermarks = {("ledger-1:anew", FIRST): 0}
    group.view = "ledger-1:anew"
    assert world.outcome(histories="none", before=before).checks["histories"].checked == 0
