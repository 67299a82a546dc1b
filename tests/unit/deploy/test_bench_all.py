"""bench all: which run, what is kept of each, and the page; with programs that only say what they would."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from deploy.cli import bench, main
from deploy.jobs import bench_all
from deploy.jobs.bench_all import BENCHES, chosen, run_all, write_page
from deploy.stack.report import Report
from models.errors import Misuse, NotFound

DOCUMENTS = Path(__file__).parents[1] / "load" / "report"


def printed(name: str) -> str:
    return json.dumps(json.loads((DOCUMENTS / f"{name}.json").read_text())["found"])


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was run. throughput fails, soak has found something, the rest is well."""
    calls: list[tuple[str, ...]] = []

    def run(arguments: Sequence[str]) -> tuple[int, str]:
        calls.append(tuple(arguments))
        if arguments[1] == "throughput":
            return 3, ""
        return (4 if arguments[1] == "soak" else 0), printed("recovery")

    monkeypatch.setattr(bench_all, "_run", run)
    monkeypatch.setattr(bench_all, "until_quiet", lambda report: None)
    return calls


def test_all_but_those_that_take_an_hour_run_by_themselves() -> None:
    assert chosen(None, []) == [name for name in BENCHES if name != "soak"]


def test_some_can_be_chosen_and_some_left_out() -> None:
    assert chosen(["soak", "latency"], []) == ["latency", "soak"]
    assert chosen(["peers", "latency"], ["peers"]) == ["latency"]


def test_a_name_that_there_is_not_is_told_with_a_near_one() -> None:
    with pytest.raises(Misuse, match=r"no benchmark 'latencies'.*latency"):
        chosen(["latencies"], [])
    with pytest.raises(Misuse, match="no benchmark is left"):
        chosen(["peers"], ["peers"])


def test_one_that_fails_keeps_no_other_from_running(ran: list[tuple[str, ...]], tmp_path: Path) -> None:
    became = run_all(["throughput", "recovery", "soak"], tmp_path, False, Report(), lambda: None)
    assert became == {
        "throughput": "failed with 3",
        "recovery": "ok",
        "soak": "found something: look at its verdict",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["recovery.json", "soak.json"]


def test_each_document_is_kept_beside_its_command(ran: list[tuple[str, ...]], tmp_path: Path) -> None:
    run_all(["latency"], tmp_path, True, Report(), lambda: None)
    command = "fraudml bench latency --rate 1000,4000,10000 --seconds 5 --runs 1"
    assert ran == [(*command.split()[1:], "--json")]
    assert json.loads((tmp_path / "latency.json").read_text())["command"] == command


def test_each_begins_when_the_one_before_weighs_no_longer(ran: list[tuple[str, ...]], tmp_path: Path) -> None:
    ran_before: list[int] = []
    run_all(["latency", "recovery"], tmp_path, False, Report(), lambda: ran_before.append(len(ran)))
    assert ran_before == [0, 1]


def test_what_only_runs_to_see_that_it_does_waits_for_nothing(
    ran: list[tuple[str, ...]], tmp_path: Path
) -> None:
    def settle() -> None:
        raise AssertionError("it waits")

    assert run_all(["recovery"], tmp_path, True, Report(), settle) == {"recovery": "ok"}


def test_a_machine_that_stays_busy_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (9.0, 9.0, 9.0))
    monkeypatch.setattr(bench_all, "QUIET_WITHIN_S", 0.0)
    bench_all.until_quiet(Report())


def test_an_empty_choice_is_not_taken_for_everything(ran: list[tuple[str, ...]]) -> None:
    with pytest.raises(Misuse, match="no benchmark is left"):
        chosen([], [])
    result = CliRunner().invoke(main.app, ["bench", "all", "--only", ""])
    assert (result.exit_code, ran) == (1, [])
    assert "no benchmark is left" in result.stderr


@pytest.mark.parametrize("elsewhere", [(), ("--folder", "/tmp/short"), ("--docs", "/tmp/short")])
def test_short_figures_do_not_replace_those_of_the_docs(
    ran: list[tuple[str, ...]], elsewhere: tuple[str, ...]
) -> None:
    result = CliRunner().invoke(main.app, ["bench", "all", "--short", "--only", "recovery", *elsewhere])
    assert (result.exit_code, ran) == (2, [])
    assert "would stand in docs" in " ".join(result.stderr.replace("│", "").split())


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A folder with two benchmarks' documents."""
    folder = tmp_path / "two"
    folder.mkdir()
    for name in ("latency", "recovery"):
        shutil.copy(DOCUMENTS / f"{name}.json", folder)
    return folder


def test_the_page_and_its_pictures_are_made_of_what_is_there(two: Path, tmp_path: Path) -> None:
    assert "| rate | runs |" in write_page(two, tmp_path).read_text()
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == {
        "bench-latency-light.svg",
        "bench-latency-dark.svg",
    }


def test_a_page_of_nothing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no benchmark's document"):
        write_page(tmp_path, tmp_path)


def test_a_child_that_is_interrupted_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    story: list[str] = []

    class Child:
        returncode = 0

        def __enter__(self) -> "Child":
            return self

        def __exit__(self, *_: object) -> None:
            story.append("left")

        def communicate(self, timeout: float) -> tuple[str, str]:
            raise KeyboardInterrupt

        def terminate(self) -> None:
            story.append("told to end")

        def wait(self, timeout: float) -> int:
            story.append("has ended")
            return 130

    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: Child())
    with pytest.raises(KeyboardInterrupt):
        bench_all._run(["bench", "latency"])
    assert story == ["told to end", "has ended", "left"]


def test_the_command_exits_with_1_if_one_failed_and_writes_the_page(
    ran: list[tuple[str, ...]], tmp_path: Path
) -> None:
    where = ("--folder", str(tmp_path / "kept"), "--docs", str(tmp_path / "docs"))
    result = CliRunner().invoke(main.app, ["bench", "all", "--only", "throughput,recovery", *where])
    assert result.exit_code == 1
    assert "throughput: failed with 3\n" in result.stderr
    assert "## Recovery" in (tmp_path / "docs" / "benchmarks.md").read_text()


def test_without_a_run_the_page_is_made_anew(ran: list[tuple[str, ...]], two: Path, tmp_path: Path) -> None:
    where = ("--folder", str(two), "--docs", str(tmp_path))
    result = CliRunner().invoke(main.app, ["bench", "all", "--no-run", *where])
    assert (result.exit_code, ran) == (0, [])
    assert "## Recovery" in (tmp_path / "benchmarks.md").read_text()


@pytest.mark.parametrize("name", BENCHES)
@pytest.mark.parametrize("short", [False, True])
def test_each_is_a_command_that_takes_these_arguments(name: str, short: bool) -> None:
    command, *arguments = (*BENCHES[name].arguments, *(BENCHES[name].short if short else ()))
    group: Any = get_command(bench.bench)
    parser = group.commands[command]
    with parser.make_context(command, [*arguments, "--json"]) as context:
        assert context.params["json"]
