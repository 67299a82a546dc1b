"""The worker without the guarantee does run, and is one that a guarantee can be told from."""

import pytest

from deploy.jobs.guarantee import bench_guarantee
from deploy.stack.report import Report
from load.bench.guarantee import TURNS

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(600)]


def test_both_workers_work_off_their_turns() -> None:
    found = bench_guarantee(Report(), days=len(TURNS), warm_days=8)
    assert min(found["with_tx_per_s"], found["without_tx_per_s"]) > 0
