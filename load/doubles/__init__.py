"""In-memory doubles of the sweep's neighbours. They obey the contract tests that the real ones obey."""

from load.doubles.answers import Row
from load.doubles.books import FakeBooks
from load.doubles.ledger import FakeLedger, LabelRow
from load.doubles.listings import FakeListings
from load.doubles.outbox import FakeKafka, FakeOutbox
from load.doubles.topics import FakeTopics
from load.doubles.view import FakeView, Group

__all__ = [
    "FakeBooks",
    "FakeKafka",
    "FakeLedger",
    "FakeListings",
    "FakeOutbox",
    "FakeTopics",
    "FakeView",
    "Group",
    "LabelRow",
    "Row",
]
