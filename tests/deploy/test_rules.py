"""Every pod keeps to the rules; and each rule has seen one that does not."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.deploy import rules
from tests.deploy.rendering import RENDERED, objects, of_kind
from tests.deploy.rules import RULES, Rule
from tests.deploy.workloads import SERVING, Workload, workloads

GOOD: dict[str, Any] = {
    "kind": "Deployment",
    "metadata": {"name": "good"},
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {"labels": {"app": "good"}},
            "spec": {
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "topologySpreadConstraints": [
                    {"topologyKey": "topology.kubernetes.io/zone"},
                    {"topologyKey": "kubernetes.io/hostname"},
                ],
                "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
                "containers": [
                    {
                        "name": "main",
                        "image": "fraud-ml-system:0.1.0",
                        "resources": {
                            "requests": {"cpu": "250m", "memory": "512Mi"},
                            "limits": {"memory": "1Gi"},
                        },
                        "securityContext": {
                            "allowPrivilegeEscalation": False,
                            "readOnlyRootFilesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        "startupProbe": {"httpGet": {"path": "/healthz"}},
                        "readinessProbe": {"httpGet": {"path": "/readyz"}},
                        "livenessProbe": {"httpGet": {"path": "/healthz"}},
                    }
                ],
            },
        },
    },
}

Spoil = Callable[[dict[str, Any], dict[str, Any]], Any]

READY = {"httpGet": {"path": "/readyz"}}
# By rule: what makes a good pod a bad one. Given are pod and container.
BAD: list[tuple[Rule, Spoil]] = [
    (rules.non_root, lambda pod, _: pod["securityContext"].update(runAsNonRoot=False)),
    (rules.non_root, lambda _, container: container["securityContext"].update(runAsUser=0)),
    (rules.read_only_root, lambda _, container: container["securityContext"].pop("readOnlyRootFilesystem")),
    (rules.no_capabilities, lambda _, container: container["securityContext"].pop("capabilities")),
    (
        rules.no_capabilities,
        lambda _, container: container["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    ),
    (
        rules.no_new_privileges,
        lambda _, container: container["securityContext"].pop("allowPrivilegeEscalation"),
    ),
    (rules.seccomp, lambda pod, _: pod["securityContext"].pop("seccompProfile")),
    (rules.nothing_of_the_node, lambda pod, _: pod.update(hostNetwork=True)),
    (rules.nothing_of_the_node, lambda pod, _: pod["volumes"].append({"name": "log", "hostPath": {}})),
    (rules.bounded, lambda _, container: container["resources"].pop("limits")),
    (rules.bounded, lambda _, container: container["resources"]["requests"].pop("cpu")),
    (rules.bounded_scratch, lambda pod, _: pod["volumes"][0]["emptyDir"].clear()),
    (rules.named_version, lambda _, container: container.update(image="fraud-ml-system")),
    (rules.named_version, lambda _, container: container.update(image="fraud-ml-system:latest")),
    (rules.named_version, lambda _, container: container.update(image="localhost:5000/fraud-ml-system")),
    (rules.no_account_token, lambda pod, _: pod.pop("automountServiceAccountToken")),
    (rules.no_account_token, lambda pod, _: pod.update(automountServiceAccountToken=True)),
    (rules.no_service_variables, lambda pod, _: pod.pop("enableServiceLinks")),
    (rules.probed, lambda _, container: container.pop("startupProbe")),
    (rules.alive_without_others, lambda _, container: container.update(livenessProbe=READY)),
    (rules.spread, lambda pod, _: pod["topologySpreadConstraints"].pop()),
]


def workload_of(owner: dict[str, Any]) -> Workload:
    (found,) = workloads([owner])
    return found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_pod_breaks_no_rule(rule: Rule) -> None:
    assert list(rule(workload_of(GOOD))) == []


@pytest.mark.parametrize(("rule", "spoil"), BAD, ids=lambda each: each.__name__)
def test_a_bad_pod_is_found(rule: Rule, spoil: Spoil) -> None:
    owner = deepcopy(GOOD)
    pod = owner["spec"]["template"]["spec"]
    spoil(pod, pod["containers"][0])
    assert list(rule(workload_of(owner)))


def test_every_rule_has_seen_a_bad_pod() -> None:
    assert {rule for rule, _ in BAD} == set(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("name", RENDERED)
def test_what_is_applied_keeps_to_the_rule(name: str, rule: Rule) -> None:
    found = [f"{each.name}: {finding}" for each in workloads(objects(name)) for finding in rule(each)]
    assert found == []


@pytest.mark.parametrize("name", ["base", "overlays/prod", "overlays/aws"])
def test_what_has_more_than_one_pod_is_never_interrupted_in_all_of_them(name: str) -> None:
    budgets = {
        each["spec"]["selector"]["matchLabels"]["app"]: each["spec"]["maxUnavailable"]
        for each in of_kind(objects(name), "PodDisruptionBudget")
    }
    several = {
        each.name
        for each in workloads(objects(name))
        if each.kind in SERVING and each.owner["spec"].get("replicas", 2) > 1
    }
    assert budgets == dict.fromkeys(several, 1)
