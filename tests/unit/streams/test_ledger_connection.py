"""The ledger's one connection: made when needed, never left half used, and its errors are ours."""

from collections.abc import Callable
from threading import Event
from typing import Any

import psycopg
import pytest

from deploy.stack.waiting import until
from models.errors import FraudError, LedgerUnavailable, ProgressMoved, SchemaUnknown
from streams.ledger import connection as connection_module
from streams.ledger.connection import SCHEMA, Connector, TimedConnection


class Played:
    """A psycopg connection, as far as the connector uses it. schema: what the database says it has."""

    def __init__(self, schema: str | None = SCHEMA) -> None:
        self.schema = schema
        self.closed = False
        self.rollbacks = 0
        self.broken: Exception | None = None
        self.adapters = psycopg.adapters.__class__(psycopg.adapters)
        self.numbers: Any = None
        self.timeout_s = 0.0

    def execute(self, query: str) -> Any:
        if self.schema is None:
            raise psycopg.errors.UndefinedTable("no such table")
        rows = [(self.schema, None)] if self.schema else []
        return type("Cursor", (), {"fetchone": lambda _: rows[0] if rows else None})()

    def rollback(self) -> None:
        if self.broken is not None:
            raise self.broken
        self.rollbacks += 1

    def close(self) -> None:
        self.closed = True


class Server:
    """Gives out connections, and remembers with which options they were asked for."""

    def __init__(self) -> None:
        self.given: list[Played] = []
        self.asked: list[dict[str, Any]] = []
        self.make: Callable[[], Played] = Played

    def connect(self, url: str, **options: Any) -> Played:
        self.asked.append(options)
        self.given.append(self.make())
        return self.given[-1]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()
    monkeypatch.setattr(connection_module.TimedConnection, "connect", found.connect)
    return found


@pytest.fixture
def connector(server: Server) -> Connector:
    return Connector("postgresql://db/fraud_db", 4.0, "fraudml-test")


def fail(connector: Connector, error: BaseException) -> None:
    with connector.use():
        raise error


def used(connector: Connector) -> object:
    with connector.use() as found:
        return found


def test_nothing_connects_before_it_is_needed_and_then_once(server: Server, connector: Connector) -> None:
    assert server.given == []
    for _ in range(3):
        with connector.use():
            pass
    assert len(server.given) == 1


def test_the_server_is_told_to_give_up_before_we_do(server: Server, connector: Connector) -> None:
    with connector.use() as found:
        assert found.timeout_s == 4.0
    options = server.asked[0]
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        assert f"-c {name}=3600" in options["options"]
    assert options["connect_timeout"] == 4
    assert options["autocommit"] is True


def test_a_commit_is_answered_only_when_it_is_on_disk(server: Server, connector: Connector) -> None:
    with connector.use():
        pass
    assert "-c synchronous_commit=on" in server.asked[0]["options"]


def test_a_refusal_rolls_back_and_keeps_the_connection(server: Server, connector: Connector) -> None:
    with pytest.raises(ProgressMoved):
        fail(connector, ProgressMoved("moved"))
    assert server.given[0].rollbacks == 1
    assert used(connector) is server.given[0]


@pytest.mark.parametrize("error", [psycopg.OperationalError("gone\nand more"), psycopg.DataError("gone")])
def test_an_error_of_postgres_is_ours_and_the_next_use_connects_anew(
    server: Server, connector: Connector, error: Exception
) -> None:
    with pytest.raises(LedgerUnavailable, match=r"^Postgres failed\. gone\. Next: fraudml status"):
        fail(connector, error)
    assert server.given[0].closed
    assert used(connector) is server.given[1]


def test_a_connection_that_cannot_roll_back_is_left(server: Server, connector: Connector) -> None:
    with connector.use():
        server.given[0].broken = psycopg.OperationalError("gone")
    with pytest.raises(ProgressMoved):
        fail(connector, ProgressMoved("moved"))
    assert server.given[0].closed


def test_whatever_else_happens_leaves_no_transaction_behind(server: Server, connector: Connector) -> None:
    with pytest.raises(KeyboardInterrupt):
        fail(connector, KeyboardInterrupt())
    assert server.given[0].closed


def test_what_a_connection_remembers_ends_with_it(server: Server, connector: Connector) -> None:
    """Numbers that the database gave inside a transaction that was never committed are not kept."""
    with connector.use() as found:
        found.numbers["transactions-id"] = 7
    with pytest.raises(LedgerUnavailable):
        fail(connector, psycopg.OperationalError("gone"))
    with connector.use() as found:
        assert found.numbers == {}


@pytest.mark.parametrize(
    ("schema", "next_step"),
    [(None, "fraudml migrate"), ("", "fraudml migrate"), ("9999", "install the version that made it")],
    ids=["no table", "no version", "a newer one"],
)
def test_a_database_of_another_schema_stops_and_says_what_to_do(
    server: Server, connector: Connector, schema: str | None, next_step: str
) -> None:
    server.make = lambda: Played(schema)
    with pytest.raises(SchemaUnknown, match=f"works with {SCHEMA}. Next: {next_step}"), connector.use():
        pass
    assert server.given[0].closed


def test_closing_twice_closes_once(server: Server, connector: Connector) -> None:
    with connector.use():
        pass
    connector.close()
    connector.close()
    assert server.given[0].closed


def test_every_wait_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stopped server answers nothing, not even an error."""
    waited: list[float | None] = []
    monkeypatch.setattr(
        psycopg.Connection, "wait", lambda self, gen, interval, timeout: waited.append(timeout)
    )
    found = object.__new__(Unconnected)
    found.timeout_s = 4.0
    found.wait(iter(()))  # type: ignore[arg-type]
    found.wait(iter(()), timeout=1.0)  # type: ignore[arg-type]
    assert waited == [4.0, 1.0]


class Unconnected(TimedConnection):
    """A connection that was never made, and so needs not be closed."""

    def __del__(self, *_: object) -> None:
        return


SECRET = "hunter2"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql//fraud:{SECRET}@db/fraud_db",
        f"host=db password={SECRET} fraud_db",
        f"postgresql://fraud:{SECRET}%zz@db/fraud_db",
    ],
    ids=["a colon missing", "a name missing", "a percent sign"],
)
def test_an_address_with_a_mistake_is_refused_without_telling_its_password(url: str) -> None:
    """What is raised here is logged while the worker waits."""
    with pytest.raises(FraudError) as refused, Connector(url, 1.0, "fraudml-test").use():
        pass
    assert SECRET not in str(refused.value)


class Gate:
    """A server that answers when it is opened; until then, connecting takes for ever."""

    def __init__(self) -> None:
        self.opened = Event()
        self.connected = Event()
        self.fails = False

    def make(self) -> Played:
        self.opened.wait(PATIENCE_S)
        fails = self.fails
        self.connected.set()
        if fails:
            raise psycopg.OperationalError("refused")
        return Played()


PATIENCE_S = 30.0


@pytest.fixture
def gate(server: Server) -> Gate:
    found = Gate()
    server.make = found.make
    return found


@pytest.fixture
def hasty() -> Connector:
    return Connector("postgresql://db/fraud_db", 0.01, "fraudml-test")


def test_a_call_waits_no_longer_for_a_connection_than_for_an_answer(
    server: Server, gate: Gate, hasty: Connector
) -> None:
    for _ in range(2):
        with pytest.raises(LedgerUnavailable):
            used(hasty)
    gate.opened.set()
    assert until_used(hasty) is not None
    assert len(server.asked) == 1  # the one that was under way is taken


def test_a_connection_that_failed_while_nobody_waited_is_tried_again(
    server: Server, gate: Gate, hasty: Connector
) -> None:
    gate.fails = True
    with pytest.raises(LedgerUnavailable):
        used(hasty)
    gate.opened.set()
    gate.connected.wait(PATIENCE_S)
    gate.fails = False
    assert until_used(hasty) is not None
    assert len(server.asked) == 2


def test_a_connection_that_comes_too_late_is_closed(server: Server, gate: Gate, hasty: Connector) -> None:
    with pytest.raises(LedgerUnavailable):
        used(hasty)
    hasty.close()
    gate.opened.set()
    gate.connected.wait(PATIENCE_S)
    assert until(lambda: server.given and server.given[0].closed, within_s=PATIENCE_S)


def until_used(connector: Connector) -> object:
    def tried() -> object:
        return used(connector)

    return until(tried, within_s=PATIENCE_S)
