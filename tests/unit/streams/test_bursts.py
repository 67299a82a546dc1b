"""What happens too often for a row each time has one row for each thing and minute."""

from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from structlog.testing import capture_logs

from models.errors import LedgerUnavailable
from streams.bursts import Bursts
from streams.refused_marks import RefusedMarks

WORDS: dict[str, Any] = {
    "action": "mark",
    "after": "ignored",
    "actor": "worker 0",
    "why": "none",
    "outcome": "refused",
}


class Table:
    """Takes rows, up to so many."""

    def __init__(self, most: int = 1000) -> None:
        self.rows: list[tuple[str, dict[str, Any]]] = []
        self.most = most

    def note(self, action: str, what: str, before: str | None, after: str, **words: Any) -> None:
        if len(self.rows) >= self.most:
            raise LedgerUnavailable("Postgres failed")
        assert (action, before, after) == ("mark", None, "ignored")
        self.rows.append((what, {name: words[name] for name in words.keys() - WORDS.keys()}))


@pytest.fixture
def table() -> Table:
    return Table()


def test_a_thing_has_one_row_with_its_counts_and_what_was_told_first(table: Table) -> None:
    bursts = Bursts(table.note, **WORDS)
    for number in range(1000):
        bursts.add(f"place {number % 2}", {"times": 1}, {"first": number})
    bursts.write()
    bursts.write()
    assert table.rows == [("place 0", {"times": 500, "first": 0}), ("place 1", {"times": 500, "first": 1})]


def test_what_could_not_be_written_is_written_later_and_once(table: Table) -> None:
    bursts = Bursts(table.note, **WORDS)
    for name in ("a", "b"):
        bursts.add(name, {"times": 1}, {})
    table.most = 1
    with pytest.raises(LedgerUnavailable):
        bursts.write()
    bursts.add("b", {"times": 2}, {})
    table.most = 1000
    bursts.write()
    assert table.rows == [("a", {"times": 1}), ("b", {"times": 3})]


def test_many_things_at_once_are_some_rows_and_one_for_all_others(table: Table) -> None:
    bursts = Bursts(table.note, most_rows=2, **WORDS)
    for name in ("a", "b", "c", "d", "c", "a"):
        bursts.add(name, {"times": 1}, {"first": name})
    bursts.write()
    assert table.rows == [
        ("a", {"times": 2, "first": "a"}),
        ("b", {"times": 1, "first": "b"}),
        ("others", {"times": 3}),
    ]


def test_nothing_is_lost_that_is_added_while_it_is_written(table: Table) -> None:
    bursts = Bursts(table.note, **WORDS)

    def add() -> None:
        for _ in range(2000):
            bursts.add("a", {"times": 1}, {})

    adding = [Thread(target=add) for _ in range(2)]
    for thread in adding:
        thread.start()
    while any(thread.is_alive() for thread in adding):
        bursts.write()
    bursts.write()
    assert sum(words["times"] for _, words in table.rows) == 4000


def test_it_writes_by_itself_and_a_last_time_when_it_is_stopped(table: Table) -> None:
    written = Event()

    def note(*args: Any, **words: Any) -> None:
        table.note(*args, **words)
        written.set()

    bursts = Bursts(note, every_s=0.001, **WORDS)
    bursts.start()
    bursts.add("a", {"times": 1}, {})
    assert written.wait(10)
    bursts.add("b", {"times": 1}, {})
    bursts.stop()
    assert [name for name, _ in table.rows] == ["a", "b"]
    assert "bursts" not in [thread.name for thread in enumerate_threads()]


def test_a_ledger_that_is_away_when_it_is_stopped_is_said() -> None:
    bursts = Bursts(Table(most=0).note, **WORDS)
    bursts.start()
    bursts.add("a", {"times": 1}, {})
    with capture_logs() as logs:
        bursts.stop()
    assert [each["event"] for each in logs] == ["bursts_not_noted"]


def test_refused_marks_of_a_partition_are_one_row_with_the_first_place(table: Table) -> None:
    marks = RefusedMarks(table.note, slot=0)
    marks.seen("transactions", [(0, 7), (1, 3), (0, 8)])
    marks.seen("transactions", [(0, 9)])
    marks.write()
    assert table.rows == [
        ("transactions[0]", {"marks": 3, "first_offset": 7}),
        ("transactions[1]", {"marks": 1, "first_offset": 3}),
    ]
