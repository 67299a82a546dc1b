"""Whatever a manifest names is there: Secrets, maps, keys, ports, Services, commands, settings, images."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from deploy.cli.main import app
from streams.settings import CHECKOUT, Settings, variable_of
from tests.deploy.rendering import RENDERED, Object, objects, of_kind
from tests.deploy.workloads import Workload, variables, workloads

# What the guide, or the bootstrap job, or an operator puts beside our files: keys by name.
SECRETS: dict[str, set[str]] = {
    "fraud-secrets": {"API_KEY", "DATABASE_URL", "REDIS_URL"},
    "fraud-generated": {
        "answer-key",
        "key-pepper",
        "monitor-key",
        "admin-password",
        "model-public-key",
    },
    # Strimzi's and CloudNativePG's.
    "fraud-kafka-cluster-ca-cert": {"ca.crt"},
    "fraud-db-ca": {"ca.crt"},
    **{f"fraud-{role}": {"password"} for role in ("worker", "gateway", "auditor", "operator", "keda")},
}
CONFIGS = {"fraud-config"}
# Of the component aws: docs/aws.md makes it.
AUTHORITIES = {"fraud-db-authority": {"ca.crt"}}
# Read by programs that are not ours.
FOREIGN = re.compile(r"^(KAFKA_(?!BOOTSTRAP_SERVERS)|GF_|POSTGRES_|PGDATA$|MLFLOW_(?!TRACKING_URI))")
OURS = {"fraud-ml-system", "fraud-ml-dashboard", "fraud-ml-mlflow"}


def settings_names() -> set[str]:
    return {variable_of(field) for field in Settings.model_fields}


def version() -> str:
    return str(tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"])


def is_ours(container: Object) -> bool:
    return container["image"].split(":")[0] in OURS


def every(name: str) -> Iterator[tuple[Workload, Object]]:
    for workload in workloads(objects(name)):
        for container in workload.containers:
            yield workload, container


def secret_keys(workload: Workload, container: Object) -> Iterator[tuple[str, str]]:
    """Those that it needs to start: Secret and key."""
    for variable in variables(container).values():
        reference = variable.get("valueFrom", {}).get("secretKeyRef", {})
        if reference and not reference.get("optional"):
            yield reference["name"], reference["key"]
    for volume in workload.pod.get("volumes", []):
        for item in volume.get("secret", {}).get("items", []):
            yield volume["secret"]["secretName"], item["key"]


@pytest.mark.parametrize("name", ["base", "overlays/dev"])
def test_the_guides_secret_is_enough_to_start(name: str) -> None:
    for workload, container in every(name):
        for secret, key in secret_keys(workload, container):
            assert key in SECRETS[secret], f"{workload.name} needs {key} of {secret}"


@pytest.mark.parametrize("name", ["overlays/prod", "overlays/aws"])
def test_what_is_needed_of_the_vault_is_fetched_from_it(name: str) -> None:
    (fetched,) = of_kind(objects(name), "ExternalSecret")
    assert fetched["spec"]["target"]["name"] == "fraud-secrets"
    known = SECRETS | {"fraud-secrets": {each["secretKey"] for each in fetched["spec"]["data"]}}
    for workload, container in every(name):
        for secret, key in secret_keys(workload, container):
            assert key in known[secret], f"{workload.name} needs {key} of {secret}"


@pytest.mark.parametrize("name", RENDERED)
def test_every_secret_is_mounted_by_the_key_and_readable_by_its_user_alone(name: str) -> None:
    for workload, _ in every(name):
        for volume in workload.pod.get("volumes", []):
            if secret := volume.get("secret"):
                assert secret["secretName"] in SECRETS
                assert secret["items"], f"{workload.name} mounts all of {secret['secretName']}"
                if secret["secretName"] == "fraud-generated":
                    assert secret["defaultMode"] == 0o440, (
                        "streams/secret_files.py refuses what others may read"
                    )
                    assert workload.pod["securityContext"]["fsGroup"]


@pytest.mark.parametrize("name", RENDERED)
def test_every_config_map_and_claim_that_is_mounted_is_there(name: str) -> None:
    made = {each["metadata"]["name"]: set(each["data"]) for each in of_kind(objects(name), "ConfigMap")}
    there = made | (AUTHORITIES if name == "overlays/aws" else {})
    claims = {each["metadata"]["name"] for each in of_kind(objects(name), "PersistentVolumeClaim")}
    for workload, container in every(name):
        for source in container.get("envFrom", []):
            assert source["configMapRef"]["name"] in CONFIGS | set(there)
        for volume in workload.pod.get("volumes", []):
            if mapped := volume.get("configMap"):
                assert {item["key"] for item in mapped.get("items", [])} <= there[mapped["name"]]
            if claim := volume.get("persistentVolumeClaim"):
                assert claim["claimName"] in claims


@pytest.mark.parametrize("name", RENDERED)
def test_what_is_mounted_is_a_volume_and_every_volume_is_mounted(name: str) -> None:
    for workload in workloads(objects(name)):
        volumes = [each["name"] for each in workload.pod.get("volumes", [])]
        volumes += [each["metadata"]["name"] for each in workload.claims]
        mounted = {mount["name"] for each in workload.containers for mount in each.get("volumeMounts", [])}
        assert len(volumes) == len(set(volumes)), workload.name
        assert mounted == set(volumes), workload.name


@pytest.mark.parametrize("name", RENDERED)
def test_every_service_finds_pods_that_open_its_port(name: str) -> None:
    for service in of_kind(objects(name), "Service"):
        selector = service["spec"]["selector"]
        found = [each for each in workloads(objects(name)) if selector.items() <= each.labels.items()]
        assert found, service["metadata"]["name"]
        opened = {
            port["name"]: port["containerPort"]
            for each in found
            for container in each.containers
            for port in container.get("ports", [])
        }
        for port in service["spec"]["ports"]:
            assert opened[port["targetPort"]] == port["port"], service["metadata"]["name"]


@pytest.mark.parametrize("name", RENDERED)
def test_probes_ask_ports_that_are_open(name: str) -> None:
    for workload, container in every(name):
        names = {port["name"] for port in container.get("ports", [])}
        for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
            probe = container.get(kind, {})
            asked = probe.get("httpGet") or probe.get("tcpSocket")
            assert asked is None or asked["port"] in names, workload.name


@pytest.mark.parametrize("name", RENDERED)
def test_selectors_take_the_pods_of_their_template(name: str) -> None:
    for workload in workloads(objects(name)):
        selector = workload.owner["spec"].get("selector")
        assert selector is None or selector["matchLabels"].items() <= workload.labels.items()
        assert workload.labels["app"] == workload.name


@pytest.mark.parametrize("name", RENDERED)
def test_every_ingress_leads_to_a_service_by_https(name: str) -> None:
    ports = {
        each["metadata"]["name"]: {port["name"] for port in each["spec"]["ports"]}
        for each in of_kind(objects(name), "Service")
    }
    for ingress in of_kind(objects(name), "Ingress"):
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                target = path["backend"]["service"]
                assert target["port"]["name"] in ports[target["name"]]
        redirects = ingress["metadata"]["name"] == "fraud-to-https" or name == "overlays/aws"
        hosts = {rule["host"] for rule in ingress["spec"]["rules"]}
        secured = {host for each in ingress["spec"].get("tls") or [] for host in each["hosts"]}
        assert redirects or hosts == secured


@pytest.mark.parametrize("name", RENDERED)
def test_what_scales_and_what_is_protected_is_there(name: str) -> None:
    there = {(each.kind, each.name): each for each in workloads(objects(name))}
    for scaler in of_kind(objects(name), "HorizontalPodAutoscaler", "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]
        assert (target["kind"], target["name"]) in there
    scaled = [
        (each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"])
        for each in of_kind(objects(name), "HorizontalPodAutoscaler", "ScaledObject")
    ]
    assert len(scaled) == len(set(scaled)), "two of them scale the same pods"


@pytest.mark.parametrize("name", RENDERED)
def test_every_monitor_finds_one_service_and_its_port(name: str) -> None:
    for monitor in of_kind(objects(name), "ServiceMonitor"):
        wanted = monitor["spec"]["selector"]["matchLabels"].items()
        (service,) = [
            each
            for each in of_kind(objects(name), "Service")
            if wanted <= each["metadata"].get("labels", {}).items()
        ]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}


@pytest.mark.parametrize("name", RENDERED)
def test_every_variable_of_ours_is_a_setting(name: str) -> None:
    unknown = {
        f"{workload.name}: {variable}"
        for workload, container in every(name)
        for variable in variables(container)
        if variable not in settings_names() and not FOREIGN.match(variable)
    }
    assert unknown == set()


def commands() -> dict[str, Any]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "command", sorted({container["args"][0] for _, container in every("base") if is_ours(container)})
)
def test_every_command_is_one_of_ours(command: str) -> None:
    assert command in commands()


@pytest.mark.parametrize("name", RENDERED)
def test_every_option_is_one_of_its_command(name: str) -> None:
    for _, container in every(name):
        if is_ours(container) and container["args"][0] in commands():
            command = commands()[container["args"][0]]
            known = {option for parameter in command.params for option in parameter.opts}
            given = {each for each in container["args"][1:] if each.startswith("--")}
            assert given <= known, container["args"]


@pytest.mark.parametrize("name", RENDERED)
def test_images_of_ours_are_of_this_version(name: str) -> None:
    found = {container["image"] for _, container in every(name) if is_ours(container)}
    assert found == {f"{image}:{version()}" for image in OURS}


@pytest.mark.parametrize("name", RENDERED)
def test_a_variable_in_an_argument_is_set(name: str) -> None:
    for workload, container in every(name):
        for argument in container.get("args", []) if is_ours(container) else []:
            for variable in re.findall(r"\$\((\w+)\)", argument):
                assert variable in variables(container), workload.name


@pytest.mark.parametrize("name", RENDERED)
def test_no_secret_stands_in_a_file(name: str) -> None:
    assert not of_kind(objects(name), "Secret")
    for workload, container in every(name):
        for variable, told in variables(container).items():
            secret = re.search(r"PASSWORD|SECRET|_KEY$|DATABASE_URL|REDIS_URL", variable)
            # Of Grafana in the overlay for laptops alone.
            known = name == "overlays/dev" and told.get("value") == "admin"
            path = str(told.get("value", "")).startswith("/")
            assert not secret or known or path or "secretKeyRef" in told["valueFrom"], workload.name
