"""A pod that is told to stop has the time that its program takes for it."""

import pytest

from api.server import DRAIN_S as GATEWAY_DRAIN_S
from dashboard.server import DRAIN_S as MONITOR_DRAIN_S
from tests.deploy.rendering import RENDERED, objects
from tests.deploy.workloads import workloads

# docs and `fraudml worker --help`: it finishes its sweep and commits within 20 s.
WORKER_DRAIN_S = 20
DRAINS_S = {"fraud-api": GATEWAY_DRAIN_S, "fraud-dashboard": MONITOR_DRAIN_S, "fraud-worker": WORKER_DRAIN_S}
ANSWER_REQUESTS = {"fraud-api", "fraud-dashboard"}
SPARE_S = 5


@pytest.mark.parametrize("name", RENDERED)
def test_the_grace_is_longer_than_waiting_and_draining(name: str) -> None:
    found = {each.name: each for each in workloads(objects(name)) if each.name in DRAINS_S}
    assert set(found) == set(DRAINS_S)
    for app, workload in found.items():
        (container,) = workload.containers
        waits_s = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        assert workload.pod["terminationGracePeriodSeconds"] >= waits_s + DRAINS_S[app] + SPARE_S


@pytest.mark.parametrize("name", RENDERED)
def test_whoever_answers_requests_waits_until_they_go_elsewhere(name: str) -> None:
    for workload in workloads(objects(name)):
        if workload.name in ANSWER_REQUESTS:
            (container,) = workload.containers
            assert container["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5


def test_a_new_pod_is_ready_before_an_old_one_goes() -> None:
    for workload in workloads(objects("base")):
        if workload.name in ANSWER_REQUESTS:
            assert workload.owner["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
