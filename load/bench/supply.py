"""Transactions for the runs of a benchmark: each is sent once, as its id is decided once."""

from load.columns import Transactions


class Supply:
    """table: all that there are."""

    def __init__(self, table: Transactions) -> None:
        self._table, self._used = table, 0

    def take(self, count: int) -> Transactions:
        """The next ones."""
        found = self._table[self._used : self._used + count]
        assert len(found) == count, "there are enough for all runs"
        self._used += count
        return found
