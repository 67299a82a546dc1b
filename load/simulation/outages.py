"""Stores that nobody reaches for a while."""

from load.doubles import FakeLedger, FakeView
from load.simulation.kafka import SimulatedKafka
from load.simulation.line import Note


class Outages:
    """Of the ledger, the view, and of Kafka for gateways, by the step at which they end."""

    def __init__(self, ledger: FakeLedger, kafka: SimulatedKafka, view: FakeView, note: Note) -> None:
        self._stores: dict[str, FakeLedger | SimulatedKafka | FakeView] = {
            "ledger": ledger,
            "kafka": kafka,
            "view": view,
        }
        self._until: dict[str, int] = {}
        self._note = note

    def begin(self, store: str, until: int) -> None:
        self._until[store] = until
        self._stores[store].reachable = False

    def end(self, step: float) -> None:
        """What has been away for as long as it should is there again."""
        for store in [store for store, until in self._until.items() if until <= step]:
            del self._until[store]
            self._stores[store].reachable = True
            self._note(store, "is there again")
