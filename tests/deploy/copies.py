"""What Kubernetes is given of other folders: rules and dashboards, copied into its files.

Run by `make k8s-copies` after a rule or dashboard has changed; a test tells when it was forgotten.
Files are taken as they are but for blanks, as an object that is applied may have 256 KiB in all.
"""

import json
from pathlib import Path
from typing import Any

import yaml

from streams.settings import CHECKOUT

K8S = CHECKOUT / "deploy" / "k8s"
RULES = CHECKOUT / "deploy" / "prometheus" / "rules"
DASHBOARDS = CHECKOUT / "deploy" / "grafana" / "dashboards"
MARK = "# What follows is copied by `make k8s-copies`.\n"
LABELS = {"app.kubernetes.io/part-of": "fraudml"}


def with_copy(hand_written: str, copied: dict[str, Any]) -> str:
    """The file, with the object at its end; whatever stood below the mark is replaced."""
    head = hand_written.split(f"---\n{MARK}")[0]
    return f"{head}---\n{MARK}{yaml.safe_dump(copied, sort_keys=True, width=10**6)}"


def config_map(name: str, app: str, data: dict[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "fraud-detection", "labels": {"app": app} | LABELS}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def rules(folder: Path = RULES) -> dict[str, Any]:
    """By file name, each as Prometheus reads it."""
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}


def dashboards(folder: Path = DASHBOARDS) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def rules_map() -> dict[str, Any]:
    data = {name: yaml.safe_dump(content, sort_keys=False, width=10**6) for name, content in rules().items()}
    return config_map("fraud-prometheus-rules", "prometheus", data)


def dashboards_map() -> dict[str, Any]:
    data = {name: json.dumps(content, separators=(",", ":")) for name, content in dashboards().items()}
    return config_map("fraud-grafana-dashboards", "grafana", data)


def rule_object() -> dict[str, Any]:
    """The same rules, as the Prometheus operator takes them."""
    metadata = {"name": "fraudml", "namespace": "fraud-detection", "labels": {"app": "prometheus"} | LABELS}
    groups = [group for content in rules().values() for group in content["groups"]]
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": metadata,
        "spec": {"groups": groups},
    }


COPIES = {
    K8S / "base" / "prometheus.yaml": rules_map,
    K8S / "base" / "grafana.yaml": dashboards_map,
    K8S / "components" / "monitoring" / "rules.yaml": rule_object,
}


def main() -> None:
    for path, made in COPIES.items():
        path.write_text(with_copy(path.read_text(), made()))


if __name__ == "__main__":
    main()
