"""The files as the guide applies them, one by one; and what they hold of other folders."""

from typing import Any

import pytest
import yaml

from streams.settings import Settings
from streams.topics import topics
from tests.deploy.copies import COPIES, MARK, dashboards, rules, with_copy
from tests.deploy.rendering import K8S, documents, objects, of_kind

# What the guide applies, by name.
GUIDE = ("redis", "postgres", "deployment", "dashboard", "mlflow", "prometheus", "grafana", "worker", "kafka")
# Of `kubectl apply`, which keeps the whole object in an annotation.
LARGEST_OBJECT_BYTES = 256 * 1024


def base() -> dict[str, Any]:
    (found,) = documents(K8S / "base" / "kustomization.yaml")
    return found


def test_each_file_of_the_base_can_be_applied_by_the_guides_name() -> None:
    linked = {path.name for path in K8S.glob("*.yaml")}
    assert linked == set(base()["resources"])
    assert linked >= {f"{name}.yaml" for name in GUIDE}
    for path in K8S.glob("*.yaml"):
        assert path.readlink().as_posix() == f"base/{path.name}"


@pytest.mark.parametrize("file", sorted(base()["resources"]))
def test_a_file_applied_alone_goes_to_our_namespace(file: str) -> None:
    for each in documents(K8S / file):
        if each["kind"] != "Namespace":
            assert each["metadata"]["namespace"] == "fraud-detection"
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "fraudml"


@pytest.mark.parametrize("file", sorted(base()["resources"]))
def test_no_object_is_too_large_to_be_applied(file: str) -> None:
    for each in documents(K8S / file):
        assert len(yaml.safe_dump(each)) < LARGEST_OBJECT_BYTES


def test_the_namespace_refuses_pods_with_rights() -> None:
    (namespace,) = of_kind(objects("base"), "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("path", COPIES, ids=lambda path: path.name)
def test_a_copy_is_what_it_was_taken_from(path: Any) -> None:
    text = path.read_text()
    assert text == with_copy(text, COPIES[path]()), "make k8s-copies"


def test_a_copy_is_of_every_rule_and_dashboard() -> None:
    found = {each["metadata"]["name"]: each["data"] for each in of_kind(objects("base"), "ConfigMap")}
    assert {name: yaml.safe_load(text) for name, text in found["fraud-prometheus-rules"].items()} == rules()
    assert {
        name: yaml.safe_load(text) for name, text in found["fraud-grafana-dashboards"].items()
    } == dashboards()


def test_taking_a_copy_again_changes_nothing_but_the_copy() -> None:
    once = with_copy("a: 1\n", {"b": 2})
    assert once == f"a: 1\n---\n{MARK}b: 2\n"
    assert with_copy(once, {"b": 3}) == f"a: 1\n---\n{MARK}b: 3\n"


def test_strimzi_makes_the_topics_that_we_need() -> None:
    made = {
        each["metadata"]["name"]: (
            each["spec"]["partitions"],
            {key: str(value) for key, value in each["spec"]["config"].items()},
        )
        for each in of_kind(objects("overlays/prod"), "KafkaTopic")
    }
    needed = topics(Settings.model_construct())
    assert made == {topic.name: (topic.partitions, topic.config) for topic in needed}


def test_keda_makes_no_more_workers_than_there_are_partitions() -> None:
    (scaler,) = of_kind(objects("overlays/prod"), "ScaledObject")
    settings = Settings.model_construct()
    assert scaler["spec"]["maxReplicaCount"] == settings.partitions
    (trigger,) = scaler["spec"]["triggers"]
    assert trigger["metadata"]["consumerGroup"] == settings.group_id
    assert trigger["metadata"]["topic"] == settings.transactions_topic
    behaviour = scaler["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert behaviour["scaleDown"]["stabilizationWindowSeconds"] >= 600


def test_the_gateway_asks_for_what_the_guide_says() -> None:
    (gateway,) = [
        each for each in of_kind(objects("base"), "Deployment") if each["metadata"]["name"] == "fraud-api"
    ]
    assert gateway["spec"]["replicas"] == 3
    (container,) = gateway["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {
        "requests": {"memory": "512Mi", "cpu": "250m"},
        "limits": {"memory": "1Gi", "cpu": "1000m"},
    }


def test_prometheus_gives_its_jobs_the_names_that_rules_go_by() -> None:
    (config,) = [
        each
        for each in of_kind(objects("base"), "ConfigMap")
        if each["metadata"]["name"] == "fraud-prometheus"
    ]
    scraped = yaml.safe_load(config["data"]["prometheus.yml"])["scrape_configs"]
    services = {
        each["metadata"]["name"]: {port["port"] for port in each["spec"]["ports"]}
        for each in of_kind(objects("base"), "Service")
        if each["spec"].get("clusterIP") == "None"
    }
    assert [each["job_name"] for each in scraped] == [
        "worker",
        "gateway",
        "reconciler",
        "monitor",
        "prometheus",
    ]
    for job in scraped[:-1]:
        (found,) = job["dns_sd_configs"]
        (service,) = found["names"]
        assert found["port"] in services[service]


def test_monitors_give_the_same_names() -> None:
    named = {
        each["spec"]["endpoints"][0]["relabelings"][0]["replacement"]
        for each in of_kind(objects("overlays/prod"), "ServiceMonitor")
    }
    assert named == {"worker", "gateway", "reconciler", "monitor"}
