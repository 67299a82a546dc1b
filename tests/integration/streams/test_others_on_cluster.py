"""Whoever else speaks to a Redis Cluster: limits, users of each role, and who looks whether all is well."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import NoPermissionError

from api.key_usage import Usage
from api.limits import SharedLimit
from deploy.access import redis_users
from deploy.doctor.findings import Finding, Level
from deploy.doctor.redis_servers import view as checked
from deploy.jobs.awaiting_stores import stores_awaited
from deploy.stack.temporary import own_settings
from models.errors import ViewUnavailable
from streams.settings import Settings
from streams.view import RedisView
from tests.clusters import PASSWORD, LocalCluster
from tests.contracts.changes import P0, VIEW, begun, change, contents, everywhere

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

GROUPS = 6
TIMEOUT_S = 2.0
CUSTOMERS = {f"c-{number}": [number] for number in range(30)}


@pytest.fixture
def settings(cluster: LocalCluster, tmp_path: Path) -> Settings:
    return own_settings(tmp_path, redis_url=cluster.address, state_groups=GROUPS)


def test_requests_of_keys_are_counted_wherever_a_key_lies(cluster: LocalCluster) -> None:
    names = [f"key-{number}" for number in range(12)]

    async def count() -> tuple[list[list[bool]], list[int]]:
        limit, usage = SharedLimit(cluster.address, TIMEOUT_S), Usage(cluster.address)
        try:
            answers = [
                [(await limit.ask(name, 3, now_us=now))[0].allowed for now in range(4)] for name in names
            ]
            return answers, await usage.used(names, now_us=5)
        finally:
            await limit.close()
            await usage.close()

    answers, used = asyncio.run(count())
    assert answers == [[True, True, True, False]] * 12
    assert used == [3] * 12
    assert all(node.ask("DBSIZE") > 0 for node in cluster.nodes)


@pytest.mark.slow
def test_a_limit_whose_node_is_away_is_unavailable_and_later_counts_again(cluster: LocalCluster) -> None:
    async def ask(limit: SharedLimit) -> Any:
        return await asyncio.gather(*(limit.ask(f"key-{n}", 3) for n in range(12)), return_exceptions=True)

    async def over_a_death() -> tuple[list[Any], list[Any]]:
        limit = SharedLimit(cluster.address, TIMEOUT_S)
        try:
            await ask(limit)
            cluster.nodes[1].kill()
            without = await ask(limit)
            cluster.nodes[1].start()
            cluster.await_whole()
            return without, await ask(limit)
        finally:
            await limit.close()

    without, later = asyncio.run(over_a_death())
    assert {type(each) for each in without if isinstance(each, Exception)} == {ViewUnavailable}
    assert not [each for each in later if isinstance(each, Exception)]


@pytest.fixture
def users(cluster: LocalCluster, settings: Settings) -> Iterator[Settings]:
    """Each role with an address of its own, as `fraudml access` makes its user on every node."""
    addresses = {
        f"redis_url_{role}": cluster.address.replace(f":{PASSWORD}", f"test-{role}:secret-of-tests")
        for role in redis_users.USERS
    }
    made = settings.model_copy(update=addresses)
    names = redis_users.apply(made)
    yield made
    for node in cluster.nodes:
        node.ask("ACL DELUSER", *names)


@pytest.mark.parametrize("role", ["worker", "gateway"])
def test_each_role_may_do_its_work_on_every_node(role: str, users: Settings) -> None:
    with closing(RedisView(getattr(users, f"redis_url_{role}"), TIMEOUT_S, GROUPS)) as view:
        begun(view).apply(change({P0: (0, 5)}, views=everywhere(view), customer=CUSTOMERS))
    with closing(RedisView(users.redis_url_auditor, TIMEOUT_S, GROUPS)) as seen:
        assert len(contents(seen, everywhere(seen))) == len(CUSTOMERS)
        with pytest.raises(ViewUnavailable, match="no permissions"):
            seen.adopt(0, VIEW, "another:e1")


def test_a_gateway_counts_with_the_rights_of_its_role(users: Settings) -> None:
    async def count() -> list[int]:
        limit, usage = SharedLimit(users.redis_url_gateway, TIMEOUT_S), Usage(users.redis_url_gateway)
        try:
            await limit.ask("key-1", 3)
            return await usage.used(["key-1", "key-2"])
        finally:
            await limit.close()
            await usage.close()

    assert asyncio.run(count()) == [1, 0]


@pytest.mark.parametrize(
    "command", ["CLUSTER RESET", "CLUSTER FAILOVER", "FLUSHALL", "CONFIG GET x", "EVAL x 0"]
)
def test_no_role_may_change_the_cluster(command: str, cluster: LocalCluster, users: Settings) -> None:
    with (
        cluster.nodes[0].client("test-gateway", "secret-of-tests") as client,
        pytest.raises(NoPermissionError),
    ):
        client.execute_command(*command.split())


def levels(settings: Settings) -> dict[str, Finding]:
    return {finding.check: finding for finding in checked(settings)}


def test_a_whole_cluster_is_found_well_and_awaited_no_longer(settings: Settings) -> None:
    found = levels(settings)
    assert {finding.level for finding in found.values()} == {Level.OK}
    assert found["redis cluster"].detail == "3 primaries and 0 replicas serve all 16384 slots"
    awaited = next(each for each in stores_awaited(settings, registry=False) if each.name == "Redis")
    assert awaited.probe()


def test_groups_that_leave_a_node_idle_are_warned_of(settings: Settings) -> None:
    found = levels(settings.model_copy(update={"state_groups": 1}))["state groups"]
    assert found.level is Level.WARN
    assert "FRAUDML_STATE_GROUPS=" in found.fix


@pytest.mark.slow
def test_a_cluster_that_lacks_a_node_is_found_unwell(cluster: LocalCluster, settings: Settings) -> None:
    cluster.nodes[2].kill()
    try:
        assert Level.FAIL in {finding.level for finding in levels(settings).values()}
    finally:
        cluster.nodes[2].start()
        cluster.await_whole()
