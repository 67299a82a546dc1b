"""Pods, wherever a manifest has them: in a Deployment, a StatefulSet, a Job or a CronJob."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.deploy.rendering import Object

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
SERVING = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True)
class Workload:
    """owner: the object whose template it is."""

    owner: Object
    template: Object

    @property
    def name(self) -> str:
        return str(self.owner["metadata"]["name"])

    @property
    def kind(self) -> str:
        return str(self.owner["kind"])

    @property
    def pod(self) -> Object:
        return dict(self.template["spec"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.template["metadata"]["labels"])

    @property
    def containers(self) -> list[Object]:
        return [*self.pod.get("initContainers", []), *self.pod["containers"]]

    @property
    def claims(self) -> list[Object]:
        return list(self.owner["spec"].get("volumeClaimTemplates", []))


def workloads(found: Iterable[Object]) -> Iterator[Workload]:
    for each in found:
        if each["kind"] in KINDS:
            yield Workload(each, _template(each))


def _template(owner: Object) -> Object:
    spec = owner["spec"]
    return dict((spec["jobTemplate"]["spec"] if owner["kind"] == "CronJob" else spec)["template"])


def variables(container: Object) -> dict[str, Any]:
    """What is set by name, each with where it comes from."""
    return {each["name"]: each for each in container.get("env", [])}
