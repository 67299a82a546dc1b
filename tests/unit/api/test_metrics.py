"""What a gateway counts, over its processes."""

from pathlib import Path

import psutil
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.mmap_dict import MmapedDict

from api.metrics import MULTIPROCESS, ApiMetrics
from tests.builders import decided


def test_how_long_each_decision_took_is_told() -> None:
    took: list[float] = []
    metrics = ApiMetrics(CollectorRegistry(), took.append)
    for took_s in (0.003, 0.02):
        metrics.decided(decided(path="rest"), took_s)
    assert took == [0.003, 0.02]


def test_what_is_rare_is_zero_before_it_happens_so_that_its_first_time_is_an_increase() -> None:
    page = ApiMetrics(CollectorRegistry()).page().decode()
    for sample in (
        'fraud_degraded_decisions_total{reason="no_model"}',
        'fraud_degraded_decisions_total{reason="no_history"}',
        'fraud_dependency_errors_total{dependency="postgres"}',
        'fraud_dependency_errors_total{dependency="redis"}',
        'fraud_dependency_errors_total{dependency="kafka"}',
        'fraud_authentication_failures_total{reason="no_key"}',
        'fraud_authentication_failures_total{reason="wrong_key"}',
        'fraud_authentication_failures_total{reason="turned_away"}',
    ):
        assert f"{sample} 0.0\n" in page


def test_a_killed_process_has_no_requests_in_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, gone = psutil.Process().pid, max(psutil.pids()) + 1_000_000
    files = [tmp_path / f"gauge_livesum_{pid}.db" for pid in (alive, gone)]
    counted = tmp_path / f"counter_{gone}.db"
    for file in (*files, counted):
        MmapedDict(str(file)).close()  # type: ignore[no-untyped-call]
    monkeypatch.setenv(MULTIPROCESS, str(tmp_path))
    ApiMetrics(CollectorRegistry()).page()
    assert [file.exists() for file in (*files, counted)] == [True, False, True]
