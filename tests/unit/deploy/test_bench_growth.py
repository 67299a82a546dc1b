"""bench state and bench scale: what is asked of them, and what becomes of their figures."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import main
from deploy.jobs import bench_scale, bench_state
from deploy.jobs.bench_hot_terminal import SHARE, others
from deploy.jobs.bench_scale import refuse_idle, told
from deploy.jobs.bench_state import Plan, cpu_ratios
from load.bench.throughput import Throughput, middle
from models.errors import Misuse

Run = Callable[..., Result]
CPU_US = {"worker": 20.0, "kafka": 9.0, "valkey": 8.0, "postgres": 18.0}


@pytest.fixture
def run() -> Run:
    return lambda *words: CliRunner().invoke(main.app, ["bench", *words])


def row(**named: Any) -> dict[str, Any]:
    return {**named, **middle([Throughput(20_000.0, CPU_US, 400.0, 400.0, 1000)])}


FOUND = {
    "customers": [
        row(
            customers=5000,
            customers_touched_in_a_run=4990,
            redis_bytes_per_customer=1700.0,
            redis_bytes_per_terminal=800.0,
        )
    ],
    "lengths": [row(records_per_customer=329.5, records_per_terminal=199.5)],
    "worker_cpu_ratio": 1.05,
    "redis_bytes_per_customer_by_month": {"appended": 1300.0, "compacted": 800.0},
    "hot_terminal": {"rate": 1000.0, "others_p99_ms_beside": 30.5},
    "ledger": [row(rows_before=1_000_000)],
}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("state", "--customers", "0"), "'0' is no whole number from 1000 on"),
        (("state", "--customers", "5000,many"), "'many' is no whole number"),
        (("state", "--customers", ""), "'' is no whole number"),
        (("state", "--ledger-rows", "-1"), "'-1' is no whole number from 0 on"),
        (("state", "--parts", "customers,heat"), "'heat' is none of customers, lengths, hot, ledger"),
        (("state", "--transactions", "10"), "1000"),
        (("state", "--runs", "0"), "greater than or equal to 1"),
        (("scale", "--workers", "0,1"), "'0' is no whole number from 1 on"),
        (("scale", "--workers", "1,,2"), "'1,,2' is no whole number"),
        (("scale", "--workers", "2.5"), "'2.5' is no whole number"),
    ],
    ids=str,
)
def test_what_cannot_be_measured_exits_with_2_before_anything_starts(
    run: Run, words: tuple[str, ...], says: str
) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", "").split())


def asked(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, found: dict[str, Any]) -> list[Any]:
    """What the job is asked for."""
    questions: list[Any] = []

    def job(*values: Any) -> dict[str, Any]:
        questions.append(values[:-1])
        return found

    monkeypatch.setattr(module, name, job)
    return questions


def test_numbers_are_measured_once_each_and_in_the_order_of_their_size(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = asked(monkeypatch, bench_state, "bench_state", FOUND)
    words = ("--customers", "20000, 5000,20000", "--ledger-rows", "7,0", "--parts", "hot", "--json")
    result = run("state", *words)
    document = json.loads(result.stdout)
    assert document.pop("machine")["cores"] >= 1
    assert document == FOUND
    assert plans == [(Plan(["hot"], [5000, 20_000], [0, 7], 100_000, 3, 10),)]


def test_state_is_a_table_of_customers_one_of_lengths_one_of_the_ledger_and_figures(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(monkeypatch, bench_state, "bench_state", FOUND)
    lines = [line.split() for line in run("state").stdout.splitlines()]
    costs = ["20,000.0", "20.0", "9.0", "8.0", "18.0", "55.0"]
    assert ["5,000", "4,990", "1,700.0", "800.0", *costs] in lines
    assert ["329.5", "199.5", *costs] in lines
    assert ["1,000,000", *costs] in lines
    assert ["redis_bytes_of_a_month_appended", "1,300.0"] in lines
    assert ["others_p99_ms_beside", "30.5"] in lines


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        (["ledger"], []),
        (["hot"], ["of-20000-2"]),
        (["customers", "hot"], ["of-5000-2", "of-20000-2"]),
        (["lengths"], ["of-5000-2", "of-5000-8", "of-5000-32"]),
        (["customers", "lengths"], ["of-5000-2", "of-20000-2", "of-5000-8", "of-5000-32"]),
    ],
)
def test_histories_are_made_once_and_only_those_that_are_needed(parts: list[str], names: list[str]) -> None:
    plan = Plan(parts, [5000, 20_000], [0], 1000, 1, 1.0)
    assert [crowd.name for crowd in plan.needed()] == names


def test_scale_tells_each_worker_and_how_many_cores_there_are(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_worker = {"worker-0": 11.0, "worker-1": 12.0, "kafka": 9.0, "valkey": 8.0, "postgres": 18.0}
    two = told(2, [Throughput(20_000.0, by_worker, 800.0, 800.0, 1000)])
    found = {"workers": [two], "partitions": 8}
    questions = asked(monkeypatch, bench_scale, "bench_scale", found)
    lines = [line.split() for line in run("scale", "--workers", "2,1").stdout.splitlines()]
    assert questions == [([1, 2], 3, 100_000)]
    costs = ["20,000.0", "23.0", "9.0", "8.0", "18.0", "58.0"]
    assert ["2", "20,000.0", "20,000.0", *costs, "11.0", "12.0", "1.16"] in lines
    assert ["partitions", "8"] in lines


def test_more_workers_than_partitions_are_refused() -> None:
    with pytest.raises(Misuse, match=r"16 workers are too many\. there are 8 partitions"):
        refuse_idle([1, 16])


def test_cpu_ratios_are_those_of_the_last_row_to_the_first() -> None:
    rows = [{"worker_cpu_us_per_tx": each, "all_cpu_us_per_tx": 3 * each} for each in (20.0, 30.0, 22.0)]
    assert cpu_ratios(rows) == {"worker_cpu_ratio": 1.1, "all_cpu_ratio": 1.1}


def test_of_a_hot_terminal_medians_are_told_and_what_they_come_from() -> None:
    def waits(*p99_ms: float) -> list[dict[str, float]]:
        return [{"p50_ms": 5.0, "p99_ms": each} for each in p99_ms]

    found = others({0.0: waits(20, 90, 30), SHARE: waits(25, 31, 29)})
    assert (found["others_p99_ms_without"], found["others_p99_ms_beside"]) == (30, 29)
    assert found["others_p99_ms_without_by_turn"] == [20, 90, 30]
    assert found["others_p50_ms_beside"] == 5
