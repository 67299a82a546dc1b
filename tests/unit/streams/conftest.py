"""What several tests of this room stand on."""

import pytest

from tests.unit.streams.polling import Polling


@pytest.fixture
def polling(monkeypatch: pytest.MonkeyPatch) -> Polling:
    return Polling(monkeypatch)
