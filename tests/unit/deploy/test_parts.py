"""Which parts there are, and what the programs beside the stores are told."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from deploy.stack.part import Site
from deploy.stack.parts import (
    COMPANIONS,
    SERVICES,
    addressed,
    addresses,
    build,
    chosen_ports,
    in_start_order,
    kind_of,
)
from deploy.stack.workers import OF_THE_GATEWAY, OwnProgram, given_ports, passed_on
from models.errors import NotFound
from streams.settings import Settings


def test_no_password_is_on_any_command_line(site: Site) -> None:
    parts = build([*SERVICES, "worker-0", *COMPANIONS], site)
    commands = " ".join(word for part in parts for word in part.program().command)
    secrets = [path.read_text() for path in (site.home.root / "secrets").iterdir()]
    assert len(secrets) == 11
    assert not [secret for secret in secrets if secret in commands]


def test_passwords_are_for_the_owner_only_and_stay_the_same(site: Site) -> None:
    first = site.home.secret("valkey")
    assert site.home.secret("valkey") == first
    assert (site.home.root / "secrets" / "valkey").stat().st_mode & 0o777 == 0o600


def test_the_stores_are_found_by_the_settings_of_the_users_guide(site: Site) -> None:
    found = addresses(build(SERVICES, site))
    assert found["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:15001"
    assert found["REDIS_URL"] == f"redis://operator:{site.home.secret('valkey')}@127.0.0.1:15003/0"
    assert (
        found["DATABASE_URL"]
        == f"postgresql://fraudml:{site.home.secret('postgres-fraudml')}@127.0.0.1:15004/fraud_db"
    )
    assert found["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:15005"


def test_a_worker_is_told_its_slot_its_port_and_the_stores(site: Site) -> None:
    worker = build([*SERVICES, "worker-0"], site)[-1]
    assert worker.program().command[-4:] == ("deploy.cli.main", "worker", "--slot", "0")
    environment = worker.program().environment
    assert environment["FRAUDML_METRICS_PORT"] == "15006"
    assert environment["KAFKA_BOOTSTRAP_SERVERS"] == "127.0.0.1:15001"


def test_a_reconciler_is_told_its_port_and_the_stores(site: Site) -> None:
    reconciler = build([*SERVICES, "worker-0", "reconciler"], site)[-1]
    assert reconciler.program().command[-4:] == ("deploy.cli.main", "reconcile", "--every", "60")
    environment = reconciler.program().environment
    assert environment["FRAUDML_RECONCILER_PORT"] == "15008"
    assert "FRAUDML_METRICS_PORT" not in environment
    assert environment["DATABASE_URL"].endswith("@127.0.0.1:15004/fraud_db")


def test_a_gateway_is_told_its_port_the_stores_and_a_key_that_no_other_part_knows(site: Site) -> None:
    *others, gateway = build([*SERVICES, "worker-0", "gateway"], site)
    environment = gateway.program().environment
    assert environment["FRAUDML_GATEWAY_PORT"] == "15007"
    assert environment["DATABASE_URL"].endswith("@127.0.0.1:15004/fraud_db")
    key = (site.home.root / "secrets" / "api-key").read_text()
    assert (environment["API_KEY"], len(key)) == (key, 48)
    assert not [part for part in others if key in part.program().environment.values()]
    assert gateway.address() == "http://127.0.0.1:15007"


def test_a_monitor_is_told_its_port_and_the_gateway_and_no_key_of_the_gateways(site: Site) -> None:
    *_, gateway, monitor = build([*SERVICES, "gateway", "monitor"], site)
    environment = monitor.program().environment
    assert environment["FRAUDML_MONITOR_PORT"] == "15009"
    assert environment["FRAUDML_GATEWAY_URL"] == gateway.address()
    assert environment["FRAUDML_MONITOR_METRICS_PORT"] == "15010"
    assert isinstance(monitor, OwnProgram)
    assert monitor.metrics_url() == "http://127.0.0.1:15010/metrics"
    assert gateway.program().environment["API_KEY"] not in environment.values()


def test_a_gateway_takes_the_users_key_and_pepper_where_they_are_set(site: Site) -> None:
    key, pepper = SecretStr("a key of sixteen"), SecretStr("a pepper of sixteen")
    settings = site.settings.model_copy(update={"api_key": key, "key_pepper": pepper})
    (gateway,) = build(["gateway"], replace(site, settings=settings))
    environment = gateway.program().environment
    assert environment["API_KEY"] == key.get_secret_value()
    assert environment["FRAUDML_KEY_PEPPER"] == pepper.get_secret_value()
    assert not (site.home.root / "secrets" / "api-key").exists()


def test_a_port_that_is_set_is_given_and_one_by_default_preferred(site: Site) -> None:
    companions = ["gateway", "reconciler"]
    assert chosen_ports(companions, site.settings) == ({}, {"gateway": 8000})
    chosen = site.settings.model_copy(update={"gateway_port": 8001, "reconciler_port": 8002})
    assert chosen_ports(companions, chosen) == ({"gateway": 8001, "reconciler": 8002}, {})
    assert chosen_ports(companions, site.settings.model_copy(update={"gateway_port": 0})) == ({}, {})
    assert chosen_ports(["reconciler"], site.settings) == ({}, {})
    watched = site.settings.model_copy(update={"monitor_metrics_port": 9102})
    assert chosen_ports(["monitor"], watched).given == {"monitor-metrics": 9102}
    assert chosen_ports(["gateway"], watched).given == {}


def test_a_worker_gets_what_was_set_and_only_that(settings: Settings) -> None:
    chosen = {"partitions": 3, "prometheus_enabled": False, "metrics_port": 9000, "reconciler_port": 9001}
    assert passed_on(settings.model_copy(update=chosen)) == {
        "FRAUDML_PARTITIONS": "3",
        "PROMETHEUS_ENABLED": "false",
    }


def test_what_opens_the_gateway_is_not_told_to_workers(settings: Settings) -> None:
    secret = SecretStr("a key of sixteen")
    assert passed_on(settings.model_copy(update={"api_key": secret, "key_pepper": secret})) == {}


def test_a_secret_that_is_passed_on_arrives_in_full(
    settings: Settings,
) -> None:
    chosen = {"api_key": SecretStr("a key of sixteen")}
    assert passed_on(settings.model_copy(update=chosen), OF_THE_GATEWAY) == {"API_KEY": "a key of sixteen"}


def test_nothing_is_inherited_that_could_lead_a_part_astray(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    environment = site.environment()
    assert "PGPORT" not in environment
    assert "REDIS_URL" not in environment
    assert environment["OPENBLAS_CORETYPE"] == "Haswell"
    assert environment["FRAUDML_HOME"] == str(site.home.root)


def test_a_set_metrics_port_is_the_first_workers(site: Site) -> None:
    settings = site.settings.model_copy(update={"metrics_port": 9000})
    assert given_ports(settings, [0, 2]) == {"worker-0": 9000, "worker-2": 9002}
    assert given_ports(site.settings, [0]) == {}


def test_the_stacks_addresses_take_the_place_of_what_was_set(site: Site) -> None:
    assert addressed(site.settings, {"REDIS_URL": "redis://here/0"}).redis_url == "redis://here/0"


def test_parts_start_in_the_order_of_what_needs_what() -> None:
    names = [
        "monitor",
        "reconciler",
        "gateway",
        "worker-10",
        "worker-2",
        "mlflow",
        "kafka",
        "postgres",
        "valkey",
    ]
    services = ["kafka", "valkey", "postgres", "mlflow"]
    assert in_start_order(names) == [*services, "worker-2", "worker-10", "gateway", "reconciler", "monitor"]


@pytest.mark.parametrize("name", ["redis", "worker", "worker-x", ""])
def test_a_part_that_does_not_exist_is_not_found(name: str) -> None:
    with pytest.raises(NotFound, match="there is no part"):
        kind_of(name)
