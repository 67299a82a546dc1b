"""Checks of Redis: each server new enough and set up to keep the promise; a cluster whole, and in use."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import redis
from redis.crc import REDIS_CLUSTER_HASH_SLOTS as SLOTS
from redis.crc import key_slot

from deploy.doctor.clocks import clock
from deploy.doctor.findings import Finding, Level, fail, failed_with, ok, warn
from models.errors import BadSetting, ViewUnavailable
from streams.failures import of_redis
from streams.redis_address import is_cluster
from streams.redis_servers import Server, each_server
from streams.settings import Settings
from streams.view.keys import view_key

CONNECT_WITHIN_S = 5
UP = "fraudml up, or check the address in fraudml config"
REDIS_FLOOR, VALKEY_FLOOR = (7, 2), (8, 0)
# A sweep makes two calls for each group: more groups cost more, fewer are spread less evenly.
MOST_GROUPS_EACH = 8


def view(settings: Settings) -> Iterator[Finding]:
    try:
        with each_server(settings.redis_url, CONNECT_WITHIN_S) as servers:
            found = [list(_of_one(server)) for server in servers]
            cluster = list(_of_cluster(servers, settings)) if is_cluster(settings.redis_url) else []
    except redis.RedisError as error:
        yield failed_with("redis", of_redis("does not answer", str(error), UP))
    except (BadSetting, ViewUnavailable) as error:
        yield failed_with("redis", error, UP)
    else:
        for alike in zip(*found, strict=True):
            yield from _told_once(alike)
        yield from cluster


def _of_one(server: Server) -> Iterator[Finding]:
    told, (seconds, micros) = server.client.info(), server.client.time()
    yield _at(server, redis_version(told))
    yield _at(server, eviction(str(told.get("maxmemory_policy", "noeviction"))))
    yield _at(server, clock("redis", seconds + micros / 1e6))


def _at(server: Server, finding: Finding) -> Finding:
    if not server.name or finding.level is Level.OK:
        return finding
    return replace(finding, detail=f"at {server.name}: {finding.detail}")


def _told_once(alike: Sequence[Finding]) -> Iterator[Finding]:
    """One check of all servers: what is wrong with any of them, or that all is well."""
    bad = [finding for finding in alike if finding.level is not Level.OK]
    yield from bad or alike[:1]


def redis_version(told: dict[str, object]) -> Finding:
    """Valkey announces an old Redis version besides its own."""
    name, floor = ("valkey", VALKEY_FLOOR) if "valkey_version" in told else ("redis", REDIS_FLOOR)
    version = str(told.get(f"{name}_version", "0"))
    if tuple(map(int, version.split(".")[:2])) >= floor:
        return ok("redis", f"{name} {version}")
    return fail("redis", f"{name} {version} is too old", f"{name} {floor[0]}.{floor[1]} or newer is needed")


def eviction(policy: str) -> Finding:
    if policy == "noeviction":
        return ok("redis eviction", policy)
    return fail(
        "redis eviction", f"{policy} would drop histories silently", "config set maxmemory-policy noeviction"
    )


def _of_cluster(servers: Sequence[Server], settings: Settings) -> Iterator[Finding]:
    primaries = [server for server in servers if server.primary]
    told = {server.name: server.cluster_info() for server in primaries}
    yield cluster_state(told, len(servers) - len(primaries))
    yield spread({server.name: server.slots for server in primaries}, settings.state_groups)


def cluster_state(told: dict[str, Any], replicas: int) -> Finding:
    """told: what each primary says of the cluster."""
    for name, words in told.items():
        covered = int(words["cluster_slots_assigned"]) - int(words["cluster_slots_fail"])
        if words["cluster_state"] != "ok" or covered < SLOTS:
            why = f"{name} says that it is {words['cluster_state']}: {covered} of {SLOTS} slots are served"
            return fail("redis cluster", why, f"valkey-cli --cluster check {name}")
        if int(words["cluster_slots_pfail"]):
            return warn("redis cluster", f"{name} misses a node", f"valkey-cli --cluster check {name}")
    return ok("redis cluster", f"{len(told)} primaries and {replicas} replicas serve all {SLOTS} slots")


def spread(slots: dict[str, frozenset[int]], groups: int) -> Finding:
    """How the state groups lie on the primaries. slots: of each primary, by name."""
    held = _shares(slots, groups)
    if idle := [name for name, count in held.items() if not count]:
        better = evenest(slots)
        why = f"{groups} in all: {', '.join(idle)} holds none of the histories"
        fix = f"set FRAUDML_STATE_GROUPS={better} everywhere and restart: histories are made anew"
        return warn("state groups", why, fix)
    return ok("state groups", f"{groups}, by primary {', '.join(map(str, sorted(held.values())))}")


def evenest(slots: dict[str, frozenset[int]]) -> int:
    """The least number of groups of which the fullest primary holds the smallest share."""
    counts = range(len(slots), MOST_GROUPS_EACH * len(slots) + 1)
    return min(counts, key=lambda groups: (max(_shares(slots, groups).values()) / groups, groups))


def _shares(slots: dict[str, frozenset[int]], groups: int) -> Counter[str]:
    """How many groups each primary holds."""
    held = Counter(dict.fromkeys(slots, 0))
    for group in range(groups):
        slot = key_slot(view_key(group, groups).encode())
        held.update(name for name, mine in slots.items() if slot in mine)
    return held
