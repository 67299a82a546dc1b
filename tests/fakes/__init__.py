"""In-memory doubles of the sweep's neighbours. They obey the contract tests that the real ones obey."""

from tests.fakes.ledger import FakeLedger, LabelRow, Row
from tests.fakes.outbox import FakeKafka, FakeOutbox
from tests.fakes.view import FakeView, Group

__all__ = ["FakeKafka", "FakeLedger", "FakeOutbox", "FakeView", "Group", "LabelRow", "Row"]
