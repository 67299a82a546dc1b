"""Kubernetes' own schemas know every field; objects of operators are taken on trust (docs/kubernetes.md)."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.rendering import ALONE, BUILT, K8S, RENDERED, documents, objects, skipped_but_in_ci

# The oldest that has what we use (preStop's sleep), and the newest that the validator knows.
VERSIONS = ("1.30.0", "1.37.0")
OPERATORS = {
    "kafka.strimzi.io/v1",
    "postgresql.cnpg.io/v1",
    "barmancloud.cnpg.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
    "external-secrets.io/v1",
    "cert-manager.io/v1",
    "traefik.io/v1alpha1",
}
TIMEOUT_S = 60


def findings(path: Path, version: str) -> str:
    """What `kubernetes-validate --strict` has to say; a version of an API that it does not know counts."""
    tool = BUILT / "venv" / "bin" / "kubernetes-validate"
    if not tool.exists():
        skipped_but_in_ci("kubernetes-validate is not here: make verify-deploy installs it")
    command = [str(tool), "--strict", "--quiet", "--kubernetes-version", version, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    told = (done.stdout + done.stderr).strip()
    return told or ("" if done.returncode == 0 else f"it ended with {done.returncode}")


def written(folder: Path, found: list[object]) -> Path:
    path = folder / "objects.yaml"
    path.write_text(yaml.safe_dump_all(found))
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_is_known(version: str, tmp_path: Path) -> None:
    names = RENDERED + ALONE
    found = [each for name in names for each in objects(name) if each["apiVersion"] not in OPERATORS]
    # Most are the same in all of them.
    different = {json.dumps(each, sort_keys=True): each for each in found}
    assert findings(written(tmp_path, list(different.values())), version) == ""


@pytest.mark.parametrize(
    "spoilt",
    [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}},
        {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {}},
    ],
    ids=["a misspelt field", "an API that is gone"],
)
def test_what_is_wrong_is_found(spoilt: dict[str, object], tmp_path: Path) -> None:
    assert findings(written(tmp_path, [spoilt]), VERSIONS[-1])


@pytest.mark.parametrize("name", RENDERED)
def test_only_named_operators_are_taken_on_trust(name: str) -> None:
    foreign = {each["apiVersion"] for each in objects(name) if "." in each["apiVersion"].split("/")[0]}
    assert {api for api in foreign if not api.split("/")[0].endswith(".k8s.io")} <= OPERATORS


def test_no_file_is_left_out() -> None:
    """Components that nothing takes would be read by nobody."""
    names = RENDERED + ALONE
    taken = {(each["kind"], each["metadata"]["name"]) for name in names for each in objects(name)}
    for path in K8S.rglob("*.yaml"):
        for each in documents(path):
            if (
                isinstance(each, dict)
                and "kind" in each
                and each["kind"] not in ("Kustomization", "Component")
            ):
                assert (each["kind"], each["metadata"]["name"]) in taken, path
