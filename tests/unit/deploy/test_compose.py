"""docker-compose.yml, as far as can be said without a container engine."""

import json
import re
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from deploy.stack.jars import locked_jars
from streams.settings import CHECKOUT, Settings, variable_of

FILE = CHECKOUT / "docker-compose.yml"
OURS = ("bootstrap", "worker", "reconciler", "api", "dashboard", "mlflow")
STORES = ("kafka", "redis", "postgres")
SERVICES = {*OURS, *STORES, "prometheus", "grafana"}
GUIDES = {"DATABASE_URL", "REDIS_URL", "KAFKA_BOOTSTRAP_SERVERS", "MLFLOW_TRACKING_URI", "API_KEY"}
SECRETS = r"API_KEY|\w*PASSWORD"
# Where a service of ours answers, by the setting that says so and the image that sets it.
PORTS = {"worker": 9100, "reconciler": 9101, "api": 8000, "dashboard": 8050, "mlflow": 5000}


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(FILE.read_text())


@pytest.fixture(scope="module")
def services(compose: Any) -> dict[str, Any]:
    return dict(compose["services"])


def specification() -> Any:
    """Compose's own schema, as it comes with check-jsonschema."""
    spec = find_spec("check_jsonschema")
    assert spec is not None
    assert spec.submodule_search_locations
    vendored = Path(spec.submodule_search_locations[0], "builtin_schemas", "vendor", "compose-spec.json")
    return json.loads(vendored.read_text())


def test_it_is_what_compose_understands(compose: Any) -> None:
    jsonschema.validate(compose, specification())


def test_a_misspelt_key_would_be_found(compose: Any) -> None:
    worker = compose["services"]["worker"] | {"read_onyl": True}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(compose | {"services": {"worker": worker}}, specification())


def test_it_has_the_services_of_the_guide(services: dict[str, Any]) -> None:
    assert services.keys() == SERVICES


def test_every_port_is_published_on_loopback_only(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port) for port in ports)


def test_every_service_but_the_job_says_when_it_is_healthy_and_is_started_again(
    services: dict[str, Any],
) -> None:
    for name in SERVICES - {"bootstrap"}:
        assert services[name]["healthcheck"]["test"], name
        assert services[name]["restart"] == "unless-stopped", name
    assert services["bootstrap"]["restart"] == "no"


def test_every_service_may_do_as_little_as_can_be(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert any(each.split(":")[0] == "/tmp" for each in service["tmpfs"]), name
        assert "privileged" not in service, name
        assert "cap_add" not in service, name


def test_images_that_are_not_ours_do_not_run_as_root(services: dict[str, Any]) -> None:
    for name in SERVICES - set(OURS):
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", services[name]["user"]), name


def test_every_image_has_a_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        _, _, tag = service["image"].partition(":")
        assert tag, name
        assert tag != "latest", name


def test_kafka_is_of_the_version_that_the_lock_has(services: dict[str, Any]) -> None:
    (version,) = {jar.version for jar in locked_jars() if jar.artifact == "kafka-clients"}
    assert services["kafka"]["image"] == f"apache/kafka:{version}"


def test_what_a_service_needs_is_waited_for_until_it_is_well(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for need, how in service.get("depends_on", {}).items():
            assert need in services, name
            wanted = "service_completed_successfully" if need == "bootstrap" else "service_healthy"
            assert how == {"condition": wanted}, (name, need)
    for name in ("worker", "reconciler", "api", "dashboard"):
        assert "bootstrap" in services[name]["depends_on"], name


def test_every_named_volume_is_declared_and_every_declared_one_is_used(compose: Any) -> None:
    mounts = [
        each.split(":") for service in compose["services"].values() for each in service.get("volumes", [])
    ]
    named = {source for source, *_ in mounts if not source.startswith("./")}
    assert named == compose["volumes"].keys()


def test_every_file_that_is_mounted_exists(compose: Any) -> None:
    mounts = [
        each.split(":") for service in compose["services"].values() for each in service.get("volumes", [])
    ]
    missing = [
        source for source, *_ in mounts if source.startswith("./") and not (CHECKOUT / source).exists()
    ]
    assert missing == []


def test_generated_secrets_are_written_by_the_job_alone(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for mount in service.get("volumes", []):
            if mount.startswith("secrets:"):
                assert mount.endswith("/secrets" if name == "bootstrap" else "/secrets:ro"), name


def test_the_key_that_signs_models_is_the_jobs_alone_and_its_other_half_is_asked_for(
    services: dict[str, Any],
) -> None:
    mounted = {
        name
        for name, service in services.items()
        if any(mount.startswith("signing:") for mount in service.get("volumes", []))
    }
    assert mounted == {"bootstrap"}
    asking = {
        name
        for name, service in services.items()
        if "FRAUDML_MODEL_PUBLIC_KEY" in service.get("environment", {})
    }
    assert asking == {"worker", "api"}


def test_no_secret_stands_in_the_file_and_each_says_how_to_make_it() -> None:
    text = FILE.read_text()
    used = set(re.findall(rf"\$\{{({SECRETS})", text))
    assert used == {"API_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "GRAFANA_PASSWORD"}
    assert re.findall(rf"\$\{{(?:{SECRETS})(?!:\?run deploy/new-passwords > \.env\}})", text) == []
    values = re.findall(rf"^ *(?:\w*_)?(?:{SECRETS}): *(.+)$", text, re.MULTILINE)
    assert values
    for value in values:
        assert re.fullmatch(rf"\$\{{(?:{SECRETS}):\?.+\}}", value)


def test_the_script_makes_every_password_that_the_file_asks_for() -> None:
    script = (CHECKOUT / "deploy" / "new-passwords").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", FILE.read_text()))
    assert asked == set(re.findall(r"\b(?:API_KEY|[A-Z]+_PASSWORD)\b", script.partition("for name")[2]))


def test_what_the_script_fills_is_its_owners_alone_to_read(tmp_path: Path) -> None:
    script, filled = CHECKOUT / "deploy" / "new-passwords", tmp_path / ".env"
    subprocess.run(["sh", "-c", 'umask 022 && "$0" > "$1"', str(script), str(filled)], check=True)
    assert stat.S_IMODE(filled.stat().st_mode) == 0o600
    assert len(filled.read_text().splitlines()) == 4


def test_every_setting_that_our_services_are_told_is_one_that_we_read(services: dict[str, Any]) -> None:
    known = {variable_of(field) for field in Settings.model_fields}
    assert known >= GUIDES
    for name in OURS:
        told = {
            each for each in services[name].get("environment", {}) if not each.startswith("MLFLOW_SERVER_")
        }
        assert told <= known, name


def test_the_monitor_reaches_the_gateway_and_who_watches_it_and_no_store(services: dict[str, Any]) -> None:
    reached = {
        name
        for name, service in services.items()
        if set(service["networks"]) & set(services["dashboard"]["networks"])
    }
    assert reached == {"dashboard", "api", "prometheus"}
    assert "DATABASE_URL" not in services["dashboard"]["environment"]


def test_prometheus_and_grafana_reach_no_store(services: dict[str, Any]) -> None:
    for name in ("prometheus", "grafana"):
        for store in (*STORES, "mlflow"):
            assert not set(services[name]["networks"]) & set(services[store]["networks"]), (name, store)


@pytest.mark.parametrize(("service", "port"), PORTS.items())
def test_each_of_ours_is_asked_at_the_port_that_its_image_listens_on(
    services: dict[str, Any], service: str, port: int
) -> None:
    assert f"http://127.0.0.1:{port}/" in services[service]["healthcheck"]["test"][-1]
    file = {"dashboard": "Dockerfile.dashboard", "mlflow": "Dockerfile.mlflow"}.get(service, "Dockerfile")
    (exposed,) = re.findall(r"^EXPOSE (.+)$", (CHECKOUT / "deploy" / file).read_text(), re.MULTILINE)
    assert str(port) in exposed.split()


def test_each_is_given_longer_to_stop_than_it_drains(services: dict[str, Any]) -> None:
    from api.server import DRAIN_S as GATEWAY_DRAINS_S
    from dashboard.server import DRAIN_S as MONITOR_DRAINS_S

    grace = {
        name: int(each["stop_grace_period"].rstrip("s"))
        for name, each in services.items()
        if name != "bootstrap"
    }
    assert grace["api"] > GATEWAY_DRAINS_S
    assert grace["dashboard"] > MONITOR_DRAINS_S
    assert grace["worker"] > 20  # `fraudml worker --help` says so
