"""What benchmarks measure when nothing is real: a few transactions, and a clock that sleeping alone moves."""

from load.columns import Transactions
from tests.unit.load.tables import START_MS, table_of


def few(count: int) -> Transactions:
    """So many transactions of five customers, all at one moment."""
    ids = [f"tx{n}" for n in range(count)]
    return table_of(
        transaction_id=ids,
        customer_id=[f"c{n % 5}" for n in range(count)],
        terminal_id=["shop"] * count,
        amount_minor=[1] * count,
        event_time_ms=[START_MS] * count,
        label=None,
        scenario=None,
    )


class Stopwatch:
    """`time` for the module under test: virtual, moved by sleeping alone."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def perf_counter(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
