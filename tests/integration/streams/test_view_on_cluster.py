"""Histories on a Redis Cluster while its nodes die, lose what they held, or give slots away.

Whatever happens to it, they end equal to those of one Redis that took the same sweeps undisturbed.
"""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from redis.crc import key_slot

from deploy.stack.waiting import until
from models.errors import BadSetting, ViewUnavailable
from streams.arrivals import Sweep
from streams.codecs import encode
from streams.ports import Change, View
from streams.view import RedisView
from streams.view.keys import view_key
from tests.builders import Log, Worker, transaction
from tests.clusters import PASSWORD, LocalCluster, Node, local_cluster
from tests.contracts.changes import P0, begun, change, contents, everywhere, history, marks, of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

GROUPS = 6
TIMEOUT_S = 2.0
AWAY_AT_MOST_S = 30.0
CUSTOMERS = {f"c-{number}": [number] for number in range(30)}


@pytest.fixture
def view(cluster: LocalCluster) -> Iterator[RedisView]:
    with closing(RedisView(cluster.address, TIMEOUT_S, GROUPS)) as found:
        yield found


def slot_of(group: int) -> int:
    return key_slot(view_key(group, GROUPS).encode())


def sweeps() -> list[Sweep]:
    """Twelve, of three partitions, with customers and terminals of every state group."""
    log = Log()
    for number in range(120):
        document = transaction(
            f"tx-{number}", customer_id=f"c-{number % 17}", terminal_id=f"t-{number % 5}", day=number / 10
        )
        log.produce(document, partition=number % 3)
    steps = [dict.fromkeys(range(3), offset) for offset in range(0, 44, 4)]
    return [log.sweep(*step) for step in pairwise(steps)]


def handled(worker: Worker, sweep: Sweep) -> int:
    """Done again for as long as Redis is away, as a worker does; how often it was tried."""
    tries = []

    def handle() -> bool:
        tries.append(1)
        worker.handle(sweep)
        return True

    until(handle, within_s=AWAY_AT_MOST_S)
    return len(tries)


def decided(worker: Worker) -> dict[str, tuple[bytes, Any]]:
    """Every decision with all that it was made of, and whose record it is."""
    rows = worker.ledger.rows.items()
    return {name: (encode(row.decided) + row.features.tobytes(), row.owner) for name, row in rows}


def held(view: View) -> dict[Any, list[bytes]]:
    """All histories, under whatever name the view goes."""
    names = {number: state.view or "" for number, state in enumerate(view.read({}, [], {}).groups)}
    return contents(view, names)


class DyingInApply(RedisView):
    """Once, a node dies after a sweep stands in the ledger, and before it is applied."""

    def die(self, node: Node) -> None:
        self.dying = [node]

    def apply(self, change: Change) -> Any:
        dying: list[Node] = self.__dict__.pop("dying", [])
        for node in dying:
            node.kill()
        try:
            return super().apply(change)
        finally:
            for node in dying:
                node.start()


def test_a_worker_loses_and_doubles_nothing_while_nodes_die(cluster: LocalCluster, view_url: str) -> None:
    with (
        closing(RedisView(view_url, TIMEOUT_S)) as undisturbed,
        closing(DyingInApply(cluster.address, TIMEOUT_S, GROUPS)) as disturbed,
    ):
        one, several = Worker(view=undisturbed), Worker(view=disturbed)
        for number, sweep in enumerate(sweeps()):
            one.handle(sweep)
            if number == 4:
                disturbed.die(cluster.nodes[2])
            elif number == 7:
                cluster.empty()
            tries = handled(several, sweep)
            assert (tries > 1) == (number == 4)
        assert decided(several) == decided(one)
        assert len(decided(one)) == 120
        assert held(disturbed) == held(undisturbed)
        assert several.metric("fraud_view_healed_offsets_total") > 0


@pytest.mark.slow
def test_what_a_replica_has_not_heard_of_is_healed_once_it_has_taken_over(view_url: str) -> None:
    with (
        local_cluster(replicas=1) as cluster,
        closing(RedisView(view_url, TIMEOUT_S)) as undisturbed,
        closing(RedisView(cluster.address, TIMEOUT_S, GROUPS)) as view,
    ):
        primary, *_, replica = cluster.nodes
        one, several = Worker(view=undisturbed), Worker(view=view)
        for number, sweep in enumerate(sweeps()):
            one.handle(sweep)
            if number == 3:
                cluster.cut_off(primary, replica)
            elif number == 6:
                primary.kill()
                until(replica.is_primary, within_s=AWAY_AT_MOST_S)
            handled(several, sweep)
        assert decided(several) == decided(one)
        assert held(view) == held(undisturbed)
        assert several.metric("fraud_view_healed_offsets_total") > 0


def test_a_slot_that_is_moving_is_unavailable_and_then_found_where_it_went(
    cluster: LocalCluster, view: RedisView
) -> None:
    begun(view).apply(change({P0: (0, 5)}, views=everywhere(view), customer=CUSTOMERS))
    before, connections, slot = held(view), view.connections, slot_of(0)
    to = next(node for node in cluster.nodes if node is not cluster.holder(slot))
    keys = cluster.begin_move(slot, to)
    for key in keys[: len(keys) // 2]:
        cluster.move_key(slot, key, to)
    again = change({P0: (5, 6)}, views=everywhere(view), customer={"c-1": [7]})
    for call in (partial(of, view, "customer", *CUSTOMERS), partial(view.apply, again)):
        with pytest.raises(ViewUnavailable, match="a slot of the Redis Cluster is being moved"):
            call()
    for key in keys[len(keys) // 2 :]:
        cluster.move_key(slot, key, to)
    cluster.end_move(slot, to)
    assert held(view) == before
    assert view.connections > connections
    view.apply(again)
    assert of(view, "customer", "c-1") == [history(1, 7)]
    assert marks(view, P0) == [[6]] * GROUPS


def test_a_slot_that_moves_whole_is_found_where_it_went(cluster: LocalCluster, view: RedisView) -> None:
    begun(view).apply(change({P0: (0, 5)}, views=everywhere(view), customer=CUSTOMERS))
    before, slot = held(view), slot_of(0)
    source = cluster.holder(slot)
    to = next(node for node in cluster.nodes if node is not source)
    source.ask("CLUSTER MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", to.name)
    until(lambda: cluster.holder(slot) is to, within_s=AWAY_AT_MOST_S)
    # One node after the other hears of it: until then they send each other's callers to and fro.
    assert until(lambda: held(view), within_s=AWAY_AT_MOST_S) == before
    view.apply(change({P0: (5, 6)}, views=everywhere(view)))
    assert marks(view, P0) == [[6]] * GROUPS


def test_a_node_without_our_functions_is_given_them(cluster: LocalCluster, view: RedisView) -> None:
    begun(view)
    cluster.holder(slot_of(3)).ask("FUNCTION FLUSH")
    view.apply(change({P0: (0, 5)}, views=everywhere(view), customer=CUSTOMERS))
    assert marks(view, P0) == [[5]] * GROUPS


def test_a_node_that_is_addressed_as_one_server_says_what_it_is(cluster: LocalCluster) -> None:
    alone = f"redis://:{PASSWORD}@{cluster.nodes[0].address}/0"
    with (
        closing(RedisView(alone, TIMEOUT_S, GROUPS)) as view,
        pytest.raises(BadSetting, match=r"redis\+cluster:"),
    ):
        begun(view)


def test_one_server_that_is_addressed_as_a_cluster_says_that_it_is_none(view_url: str) -> None:
    wrong = view_url.replace("redis://", "redis+cluster://").rpartition("/")[0]
    with (
        closing(RedisView(wrong, TIMEOUT_S)) as view,
        pytest.raises(BadSetting, match="what answers is none"),
    ):
        view.read({}, [], {})


def test_a_wrong_password_is_told_and_not_shown(cluster: LocalCluster) -> None:
    wrong = cluster.address.replace(PASSWORD, "hunter2")
    with (
        closing(RedisView(wrong, TIMEOUT_S)) as view,
        pytest.raises(ViewUnavailable, match="invalid username-password") as told,
    ):
        view.read({}, [], {})
    assert "hunter2" not in str(told.value)
