"""After a restore, what the former ledger had sent is counted as repeated; anything else is found as ever."""

from typing import Any

from load.doubles import FakeBooks
from models.decision import alert_id_of
from streams.reconcile.ports import Restored
from streams.topics import Partition
from tests.builders import TOPIC_IDS, transaction
from tests.unit.streams.reconciled import Traffic

TRANSACTIONS, LABELS = (Partition(TOPIC_IDS[topic], 0) for topic in ("transactions", "labels"))
AMOUNTS = [500, 20_000, 200_000]
AT_THE_BACKUP = 3


def payments(first: int, stop: int) -> list[Any]:
    return [transaction(f"tx-{n}", day=n, amount_minor=AMOUNTS[n % 3]) for n in range(first, stop)]


def restored(*, read_again: bool = True) -> Traffic:
    """Six payments and a dead letter; three of them came after the backup that was put back."""
    former, world = Traffic(), Traffic()
    for each in (former, world):
        each.send(*payments(0, AT_THE_BACKUP))
    former.send(*payments(AT_THE_BACKUP, 6), b"{oops")
    sent_after = former.alerts[len(world.alerts) :], list(former.letters)
    world.alerts += sent_after[0]
    world.letters += sent_after[1]
    note = Restored(
        {TRANSACTIONS: AT_THE_BACKUP, LABELS: 0},
        {"alerts": {0: len(world.alerts)}, "transactions.dlq": {0: len(world.letters)}},
    )
    world.books = FakeBooks(world.ledger, restored=[note])
    world.produce(*payments(AT_THE_BACKUP, 6), b"{oops")
    if read_again:
        world.work("transactions")
    return world


def repeats(world: Traffic) -> dict[str, int]:
    found: dict[str, int] = world.reconcile()["repeated_after_restore"]
    return found


def test_what_was_sent_again_is_counted_and_is_no_finding() -> None:
    world = restored()
    assert world.findings() == {}
    assert repeats(world) == {"alerts": 2, "dead_letters": 1}


def test_before_the_log_is_read_again_nothing_is_found_either() -> None:
    world = restored(read_again=False)
    assert world.findings() == {}
    assert repeats(world) == {"alerts": 2, "dead_letters": 1}


def test_without_the_note_of_the_restore_they_are_found() -> None:
    world = restored()
    world.books = FakeBooks(world.ledger)
    assert world.findings() == {"alerts": 2, "dead_letters": 1}
    assert repeats(world) == {"alerts": 0, "dead_letters": 0}


def test_an_alert_that_is_not_sent_again_is_found() -> None:
    world = restored()
    world.alerts.pop()
    assert world.found("alerts") == ["transaction tx-5 was flagged and has no alert"]


def test_an_alert_that_comes_twice_after_the_restore_is_found() -> None:
    world = restored()
    world.alerts.append(world.alerts[-1])
    assert world.found("alerts") == ["transaction tx-5 was flagged and has 2 alerts"]


def test_an_alert_of_before_the_backup_must_still_be_what_its_row_says() -> None:
    world = restored()
    world.alerts[0] = world.ledger.rows["tx-0"].decided
    assert f"alert {alert_id_of('tx-0')} of transaction tx-0 is out, though its row is an approval" in (
        world.found("alerts")
    )


def test_a_restore_that_noted_nothing_as_sent_excuses_nothing() -> None:
    world = restored()
    (note,) = world.books.restored
    world.books = FakeBooks(world.ledger, restored=[note._replace(sent={})])
    assert world.findings() == {"alerts": 2, "dead_letters": 1}
