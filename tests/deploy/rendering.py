"""Kustomizations as they are applied, by kubectl or kustomize; without either, tests skip, and fail in CI."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.settings import CHECKOUT

K8S = CHECKOUT / "deploy" / "k8s"
BUILT = CHECKOUT / "build" / "verify-deploy"
# The plain files, and what `kubectl apply -k` is meant for.
RENDERED = ("base", "overlays/dev", "overlays/prod", "overlays/aws")
# What may be put on the base alone; keda-strimzi and aws go with others, as overlays have them.
ALONE = ("cert-manager", "cloudnative-pg", "external-secrets", "keda", "monitoring", "roles", "strimzi")
TIMEOUT_S = 60

Object = dict[str, Any]


def skipped_but_in_ci(why: str) -> None:
    """A proof that cannot be had is told; where everything must be there, it is a failure."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def _renderer() -> list[str]:
    found = shutil.which("kustomize", path=f"{BUILT / 'bin'}{os.pathsep}{os.environ['PATH']}")
    if found:
        return [found, "build"]
    if kubectl := shutil.which("kubectl"):
        return [kubectl, "kustomize"]
    skipped_but_in_ci("there is neither kubectl nor kustomize: make verify-deploy installs one")
    raise AssertionError


@cache
def rendered(name: str) -> str:
    """The YAML of one of RENDERED, or of the base with one of ALONE, as it is applied."""
    return _built(_with_component(name) if name in ALONE else K8S / name)


def _built(folder: Path) -> str:
    command = [*_renderer(), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def _with_component(name: str) -> Path:
    """A kustomization names its parts from where it lies itself."""
    folder = BUILT / "with" / name
    folder.mkdir(parents=True, exist_ok=True)
    base, component = (os.path.relpath(K8S / part, folder) for part in ("base", f"components/{name}"))
    content = {"kind": "Kustomization", "resources": [base], "components": [component]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(content))
    return folder


@cache
def objects(name: str) -> tuple[Object, ...]:
    return tuple(each for each in yaml.safe_load_all(rendered(name)) if each)


def of_kind(found: tuple[Object, ...], *kinds: str) -> list[Object]:
    return [each for each in found if each["kind"] in kinds]


def documents(path: Path) -> list[Object]:
    return [each for each in yaml.safe_load_all(path.read_text()) if each]
