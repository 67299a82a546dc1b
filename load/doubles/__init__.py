"""In-memory doubles of the sweep's neighbours. They obey the contract tests that the real ones obey."""

from load.doubles.ledger import FakeLedger, LabelRow, Row
from load.doubles.outbox import FakeKafka, FakeOutbox
from load.doubles.view import FakeView, Group

__all__ = ["FakeKafka", "FakeLedger", "FakeOutbox", "FakeView", "Group", "LabelRow", "Row"]
