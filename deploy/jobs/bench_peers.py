"""The benchmark of peers: put together on a stack of its own, each peer in an environment of its own."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any

from deploy.jobs.benchmarks import WARM_DAYS, Rig, days_of, rig, worker_environment
from deploy.stack.report import Report
from load.peers.candidate import Ours, Rival, Stores, stores_of
from load.peers.contest import KILLED_OF, PRELUDE, RATE, Contest
from load.peers.environments import build
from load.peers.histories import our_prefix
from load.peers.peers import Peer, peers_named
from streams.settings import CHECKOUT

STEADY_ROUNDS = 3
STEADY_S = 20.0
WARM_UP_S = 5.0


def bench_peers(names: Sequence[str], rounds: int, transactions: int, report: Report) -> dict[str, Any]:
    peers = peers_named(names)
    with contest(peers, needed(len(peers), rounds, transactions), report) as found:
        for number in range(rounds + 1):
            found.round(number, transactions, counts=number > 0)
        for number in range(STEADY_ROUNDS):
            found.steady(number, STEADY_S, WARM_UP_S)
        found.kill()
        ours, *rivals = ({"name": name, **each.document()} for name, each in found.found.items())
    return {"ours": ours, "peers": rivals, "rounds": rounds}


def needed(peers: int, rounds: int, transactions: int) -> int:
    """How many transactions all parts of a contest take."""
    steady = int(RATE * (STEADY_S + WARM_UP_S)) + PRELUDE
    return (rounds + 1) * transactions + STEADY_ROUNDS * (peers + 1) * steady + 2 * KILLED_OF


@contextmanager
def contest(
    peers: Sequence[Peer], transactions: int, report: Report, warm_days: int = WARM_DAYS
) -> Iterator[Contest]:
    """Everything that runs is stopped at the end, by whatever it ends."""
    days = days_of(transactions)
    with (
        rig(days, report, warm_days) as found,
        closing(stores_of(found.settings)) as stores,
        ExitStack() as closings,
    ):
        found.worker.stop()
        ours = _ours(found, stores)
        rivals = list(_rivals(found, stores, peers, report))
        for each in rivals:
            closings.callback(each.close)
        yield Contest(ours, rivals, stores, found.pusher, found.measured, report.waiting, report.note)


def _ours(found: Rig, stores: Stores) -> Ours:
    settings = found.settings
    return Ours(
        found.worker, found.watch, settings.alerts_topic, our_prefix(stores.redis, settings.state_groups)
    )


def _rivals(found: Rig, stores: Stores, peers: Sequence[Peer], report: Report) -> Iterator[Rival]:
    folder = found.stack.home / "peers"
    folder.mkdir()
    told = {**worker_environment(found.stack), "PYTHONPATH": str(CHECKOUT)}
    pythons = {}
    for peer in peers:
        if peer.tool not in pythons:
            report.waiting(f"building the environment of {peer.tool}")
            pythons[peer.tool] = build(peer.tool, folder)
        yield Rival(peer, stores, pythons[peer.tool], folder, told)
