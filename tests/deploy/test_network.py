"""The network policies are the table in docs/kubernetes.md, on both sides, and nothing else."""

import re
from collections.abc import Iterator

import pytest

from streams.settings import CHECKOUT
from tests.deploy.network import Pair, allowed
from tests.deploy.rendering import RENDERED, objects, of_kind
from tests.deploy.workloads import workloads

ROW = re.compile(r"^\| `([\w./*-]+)` \| (.+) \|$")
TARGET = re.compile(r"`([\w./-]+)` (\d+)")


def table() -> Iterator[Pair]:
    """Rows of the table: who asks, and whom on which ports."""
    text = (CHECKOUT / "docs" / "kubernetes.md").read_text()
    section = text.split("## Who may speak to whom")[1].split("\n## ")[0]
    for line in section.splitlines():
        if row := ROW.match(line):
            for target, port in TARGET.findall(row[2]):
                yield Pair(row[1], target, int(port))


def inside(name: str) -> bool:
    return not name.startswith(("namespace/", "anywhere", "10."))


def test_the_policies_are_the_table() -> None:
    out, into = allowed(objects("base"))
    assert out | into == set(table())


@pytest.mark.parametrize("name", ["base", "overlays/dev"])
def test_what_is_let_out_is_let_in_and_the_other_way_round(name: str) -> None:
    out, into = allowed(objects(name))
    assert {pair for pair in out if inside(pair.target)} == {pair for pair in into if inside(pair.source)}


@pytest.mark.parametrize("name", RENDERED)
def test_without_a_word_nobody_speaks_to_anybody(name: str) -> None:
    (deny,) = [
        each for each in of_kind(objects(name), "NetworkPolicy") if each["metadata"]["name"] == "default-deny"
    ]
    assert deny["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@pytest.mark.parametrize("name", RENDERED)
def test_no_policy_opens_a_direction_whole(name: str) -> None:
    """An empty rule would let everybody in, and a direction that is not named is not closed."""
    for policy in of_kind(objects(name), "NetworkPolicy"):
        spec = policy["spec"]
        for direction in ("ingress", "egress"):
            assert (direction in spec) <= (direction.capitalize() in spec["policyTypes"]), policy
            assert all(rule.get("ports") for rule in spec.get(direction, [])), policy


@pytest.mark.parametrize("name", ["base", "overlays/dev"])
def test_every_pair_is_of_pods_that_are_there_and_ports_that_they_open(name: str) -> None:
    opened = {
        (each.labels["app"], port["containerPort"])
        for each in workloads(objects(name))
        for container in each.containers
        for port in container.get("ports", [])
    }
    apps = {each.labels["app"] for each in workloads(objects(name))}
    out, into = allowed(objects(name))
    for pair in out | into:
        assert not inside(pair.source) or pair.source in apps, pair
        assert not inside(pair.target) or (pair.target, pair.port) in opened, pair


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("fraud-dashboard", "fraud-db"),
        ("fraud-dashboard", "fraud-redis"),
        ("fraud-dashboard", "kafka"),
        ("fraud-dashboard", "mlflow"),
        ("grafana", "fraud-db"),
        ("fraud-worker", "fraud-api"),
    ],
)
def test_some_never_speak_to_each_other(source: str, target: str) -> None:
    for name in RENDERED:
        out, into = allowed(objects(name))
        assert not [pair for pair in out | into if (pair.source, pair.target) == (source, target)]
