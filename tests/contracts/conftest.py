"""Each neighbour of the sweep as a double and as the real one (`stack`); the view on a cluster as well."""

from collections.abc import Iterator

import pytest

from streams.ledger.settling import COPIED_FROM
from streams.ports import View
from tests.contracts.kafka_worlds import FakeKafkaWorld, KafkaWorld, RealKafkaWorld
from tests.contracts.ledger_worlds import FakeLedgerWorld, LedgerThatTells, LedgerWorld, PostgresWorld
from tests.contracts.view_worlds import ClusterWorld, FakeViewWorld, RedisWorld, ViewWorld

REAL = [pytest.mark.stack, pytest.mark.timeout(180)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kind" in metafunc.fixturenames:
        real = ("real", "cluster") if "views" in metafunc.fixturenames else ("real",)
        kinds = ["fake", *(pytest.param(each, marks=REAL) for each in real)]
        metafunc.parametrize("kind", kinds, indirect=True)


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def copied_from() -> int:
    """A file of tests may say that smaller sweeps are copied, too."""
    return COPIED_FROM


@pytest.fixture
def ledgers(kind: str, copied_from: int, request: pytest.FixtureRequest) -> Iterator[LedgerWorld]:
    if kind == "fake":
        yield FakeLedgerWorld()
        return
    world = PostgresWorld(request.getfixturevalue("ledger_url"), copied_from)
    yield world
    world.close()


@pytest.fixture
def ledger(ledgers: LedgerWorld) -> LedgerThatTells:
    return ledgers.ledger


@pytest.fixture
def views(kind: str, request: pytest.FixtureRequest) -> Iterator[ViewWorld]:
    if kind == "fake":
        yield FakeViewWorld()
        return
    if kind == "cluster":
        world: RedisWorld = ClusterWorld(request.getfixturevalue("cluster"))
    else:
        world = RedisWorld(request.getfixturevalue("view_url"))
    yield world
    world.close()


@pytest.fixture
def view(views: ViewWorld) -> View:
    return views.view()


@pytest.fixture
def kafka(kind: str, request: pytest.FixtureRequest) -> Iterator[KafkaWorld]:
    if kind == "fake":
        yield FakeKafkaWorld()
        return
    world = RealKafkaWorld(request.getfixturevalue("own_topics"))
    yield world
    world.close()
