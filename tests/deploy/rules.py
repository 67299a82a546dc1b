"""What every pod of ours keeps to. Each rule tells what is wrong, in words; nothing where it is right."""

import re
from collections.abc import Callable, Iterator

from tests.deploy.rendering import Object
from tests.deploy.workloads import SERVING, Workload

Findings = Iterator[str]
Rule = Callable[[Workload], Findings]

# The one that keeps secrets in the cluster.
ASKS_THE_CLUSTER = frozenset({"fraud-bootstrap"})
VERSION = re.compile(r"(@sha256:[0-9a-f]{64}|:v?\d+(\.\d+)*[\w.-]*)$")


def _security(workload: Workload, container: Object, key: str) -> object:
    """A container's own word, or else the pod's."""
    own = container.get("securityContext", {})
    return own.get(key, workload.pod.get("securityContext", {}).get(key))


def non_root(workload: Workload) -> Findings:
    for container in workload.containers:
        if _security(workload, container, "runAsNonRoot") is not True:
            yield f"{container['name']} may run as root"
        if not _security(workload, container, "runAsUser"):
            yield f"{container['name']} names no user"


def read_only_root(workload: Workload) -> Findings:
    for container in workload.containers:
        if container.get("securityContext", {}).get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} may write anywhere"


def no_capabilities(workload: Workload) -> Findings:
    for container in workload.containers:
        capabilities = container.get("securityContext", {}).get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or capabilities.get("add"):
            yield f"{container['name']} keeps capabilities"


def no_new_privileges(workload: Workload) -> Findings:
    for container in workload.containers:
        if container.get("securityContext", {}).get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"


def seccomp(workload: Workload) -> Findings:
    for container in workload.containers:
        profile = _security(workload, container, "seccompProfile")
        if profile != {"type": "RuntimeDefault"}:
            yield f"{container['name']} may make any system call"


def nothing_of_the_node(workload: Workload) -> Findings:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if workload.pod.get(key):
            yield f"it shares {key} with the node"
    for volume in workload.pod.get("volumes", []):
        if "hostPath" in volume:
            yield f"volume {volume['name']} is a folder of the node"


def bounded(workload: Workload) -> Findings:
    for container in workload.containers:
        resources = container.get("resources", {})
        for kind, resource in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if resource not in resources.get(kind, {}):
                yield f"{container['name']} has no {resource} among its {kind}"


def bounded_scratch(workload: Workload) -> Findings:
    for volume in workload.pod.get("volumes", []):
        if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
            yield f"volume {volume['name']} may fill the node"


def named_version(workload: Workload) -> Findings:
    for container in workload.containers:
        image = container["image"]
        if not VERSION.search(image) or image.endswith(":latest"):
            yield f"{image} names no version"


def no_account_token(workload: Workload) -> Findings:
    told = workload.pod.get("automountServiceAccountToken")
    if told is not False and not (told is True and workload.name in ASKS_THE_CLUSTER):
        yield "it has a token of the cluster"


def no_service_variables(workload: Workload) -> Findings:
    # MLFLOW_PORT, KAFKA_PORT and the like of Services would be read as settings.
    if workload.pod.get("enableServiceLinks") is not False:
        yield "Services fill its environment"


def probed(workload: Workload) -> Findings:
    if workload.kind not in SERVING:
        return
    for container in workload.containers:
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            if probe not in container:
                yield f"{container['name']} has no {probe}"


def alive_without_others(workload: Workload) -> Findings:
    """A store that is away must not have everybody killed: liveness is asked of the process alone."""
    for container in workload.containers:
        if container.get("livenessProbe", {}).get("httpGet", {}).get("path") == "/readyz":
            yield f"{container['name']} is killed where something else is away"


def spread(workload: Workload) -> Findings:
    if workload.kind in SERVING and workload.owner["spec"].get("replicas", 2) > 1:
        keys = {each["topologyKey"] for each in workload.pod.get("topologySpreadConstraints", [])}
        if not {"topology.kubernetes.io/zone", "kubernetes.io/hostname"} <= keys:
            yield "all of it may be on one node or in one zone"


RULES: tuple[Rule, ...] = (
    non_root,
    read_only_root,
    no_capabilities,
    no_new_privileges,
    seccomp,
    nothing_of_the_node,
    bounded,
    bounded_scratch,
    named_version,
    no_account_token,
    no_service_variables,
    probed,
    alive_without_others,
    spread,
)
