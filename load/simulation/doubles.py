"""The doubles that the simulator stands on. They obey the same contract tests as the real stores."""

from load.doubles import FakeKafka, FakeLedger, FakeOutbox, FakeView, Group, LabelRow, Row

__all__ = ["FakeKafka", "FakeLedger", "FakeOutbox", "FakeView", "Group", "LabelRow", "Row"]
