"""Who may speak to whom, as the network policies have it."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tests.deploy.rendering import Object, of_kind

# Everybody asks the resolver; said once, not for each.
NAMES_PORT = 53


class Pair(NamedTuple):
    """source, target: an app, `namespace/NAME`, `anywhere` or a network. port: of the target's pod."""

    source: str
    target: str
    port: int


def allowed(found: tuple[Object, ...]) -> tuple[set[Pair], set[Pair]]:
    """What is let out, and what is let in."""
    out: set[Pair] = set()
    into: set[Pair] = set()
    for policy in of_kind(found, "NetworkPolicy"):
        spec = policy["spec"]
        for app in _selected(spec["podSelector"]):
            out |= {Pair(app, peer, port) for peer, port in _peers(spec.get("egress", []), "to")}
            into |= {Pair(peer, app, port) for peer, port in _peers(spec.get("ingress", []), "from")}
    return {pair for pair in out if pair.port != NAMES_PORT}, into


def _peers(rules: Iterable[Any], way: str) -> Iterator[tuple[str, int]]:
    for rule in rules:
        peers = [name for peer in rule[way] for name in _named(peer)] if way in rule else ["anywhere"]
        for peer in peers:
            for port in rule["ports"]:
                yield peer, port["port"]


def _named(peer: Any) -> list[str]:
    if "ipBlock" in peer:
        return [peer["ipBlock"]["cidr"]]
    if "namespaceSelector" in peer:
        return [f"namespace/{peer['namespaceSelector']['matchLabels']['kubernetes.io/metadata.name']}"]
    return _selected(peer["podSelector"])


def _selected(selector: Any) -> list[str]:
    """The apps that a selector takes; `*` is every pod, other labels stand as they are."""
    if not selector:
        return ["*"]
    for expression in selector.get("matchExpressions", []):
        assert expression["key"] == "app", expression
        assert expression["operator"] == "In", expression
        return list(expression["values"])
    ((label, value),) = selector["matchLabels"].items()
    return [value if label == "app" else f"{label}={value}"]
