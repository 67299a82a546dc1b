"""A real API server takes every file and overlay, without a warning. Needs one: see docs/kubernetes.md.

Nothing is made there but the namespace and, where they are missing, kinds of operators without a schema.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.rendering import ALONE, K8S, RENDERED, documents, objects, rendered
from tests.deploy.test_schemas import OPERATORS
from tests.deploy.workloads import workloads

KUBECONFIG = "FRAUDML_DRY_RUN_KUBECONFIG"
TIMEOUT_S = 120

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not os.environ.get(KUBECONFIG), reason=f"{KUBECONFIG} names no API server to ask"),
]


def kubectl(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    found = shutil.which("kubectl")
    assert found
    command = [found, "--kubeconfig", os.environ[KUBECONFIG], *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def without_schema(api: str, kind: str) -> dict[str, Any]:
    """The definition of a kind that takes whatever it is given."""
    group, version = api.split("/")
    plural = f"{kind.lower().removesuffix('y')}ies" if kind.endswith("y") else f"{kind.lower()}s"
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    served = {"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "versions": [served],
        },
    }


@pytest.fixture(scope="module", autouse=True)
def prepared() -> None:
    made = kubectl("apply", "-f", str(K8S / "namespace.yaml"))
    assert made.returncode == 0, made.stderr
    kinds = {(each["apiVersion"], each["kind"]) for each in every() if each["apiVersion"] in OPERATORS}
    for api, kind in sorted(kinds):
        definition = without_schema(api, kind)
        name = definition["metadata"]["name"]
        if kubectl("get", "crd", name).returncode:
            assert kubectl("create", "-f", "-", given=yaml.safe_dump(definition)).returncode == 0
        waited = kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{name}")
        assert waited.returncode == 0, waited.stderr


def every() -> Iterator[dict[str, Any]]:
    for name in RENDERED + ALONE:
        yield from objects(name)


def test_pods_with_rights_are_refused_there() -> None:
    """Else the server would prove nothing of pod security."""
    pod = {"hostNetwork": True, "containers": [{"name": "main", "image": "a:1"}]}
    metadata = {"name": "bad", "namespace": "fraud-detection"}
    bad = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod}
    refused = kubectl("apply", "--dry-run=server", "-f", "-", given=yaml.safe_dump(bad))
    assert refused.returncode
    assert "violates PodSecurity" in refused.stderr


@pytest.mark.parametrize("path", sorted(K8S.glob("*.yaml")), ids=lambda path: path.name)
def test_it_takes_each_file(path: Path) -> None:
    done = kubectl("apply", "--dry-run=server", "-f", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(documents(path))


@pytest.mark.parametrize("name", RENDERED + ALONE)
def test_it_takes_each_overlay_and_component(name: str) -> None:
    done = kubectl("apply", "--dry-run=server", "-f", "-", given=rendered(name))
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(objects(name))


@pytest.mark.parametrize("name", RENDERED)
def test_pods_as_they_are_made_are_let_in(name: str) -> None:
    """Of a Deployment the server only warns; its pods it would refuse."""
    for workload in workloads(objects(name)):
        metadata = workload.template["metadata"] | {
            "name": workload.name,
            "namespace": "fraud-detection",
        }
        volumes = workload.pod.get("volumes", []) + [
            {"name": each["metadata"]["name"], "persistentVolumeClaim": {"claimName": "any"}}
            for each in workload.claims
        ]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": metadata,
            "spec": workload.pod | {"volumes": volumes},
        }
        done = kubectl("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod))
        assert (done.returncode, done.stderr) == (0, ""), workload.name
