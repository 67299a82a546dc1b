"""All benchmarks, each in a process of its own, one after the other; their documents, and the page."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.stack.report import Report
from deploy.stack.waiting import TimedOut, until
from load.bench.machine import is_quiet
from load.report.charts import THEMES, charts
from load.report.kept import Kept, keep, kept_in
from load.report.page import page
from load.suggestion import did_you_mean
from models.errors import Misuse, NotFound

# Longer than any of them.
WITHIN_S = 6 * 3600.0
# A benchmark that has found something that should not be has figures all the same.
CHECK_FAILED = 4
STOP_S = 120.0
# The load of a minute falls from 4 to 1 within it.
QUIET_WITHIN_S = 120.0
PAGE, PICTURES = "benchmarks.md", "pictures"


@dataclass(frozen=True)
class Bench:
    """arguments: as they are given to `fraudml bench`. short: the same in a minute or so, for no figure that
    means anything. asked_for: runs by its name alone, as it takes an hour."""

    arguments: tuple[str, ...]
    short: tuple[str, ...] = ()
    asked_for: bool = False


# Transactions per second.
RATES = "1000,4000,10000"
ONCE_FOR_5_S = ("--seconds", "5", "--runs", "1")

BENCHES: Mapping[str, Bench] = {
    "throughput": Bench(("throughput",), ("--runs", "1")),
    "latency": Bench(("latency", "--rate", RATES), ONCE_FOR_5_S),
    "latency-gathered": Bench(("latency", "--rate", RATES, "--linger-ms", "5"), ONCE_FOR_5_S),
    # Enough alerts for a p99 of theirs; by the default policy there is one in 500 transactions.
    "latency-alerts": Bench(("latency", "--rate", RATES, "--alert-share", "0.02"), ONCE_FOR_5_S),
    "rest": Bench(("rest", "--rate", "200"), ("--seconds", "5")),
    "rest-saturate": Bench(("rest", "--saturate")),
    "scale": Bench(("scale",), ("--workers", "1,2", "--runs", "1", "--transactions", "20000")),
    "state": Bench(
        ("state", "--ledger-rows", "0,1000000,10000000"),
        (
            *("--customers", "5000,20000", "--ledger-rows", "0,50000"),
            *("--runs", "1", "--transactions", "20000", "--seconds", "3"),
        ),
    ),
    "peers": Bench(("peers",), ("--only", "confluent-batch", "--rounds", "1", "--transactions", "10000")),
    "guarantee": Bench(("guarantee",)),
    "recovery": Bench(("recovery",)),
    "soak": Bench(("soak",), ("--minutes", "1", "--faults", "0"), asked_for=True),
}


def chosen(only: Sequence[str] | None, skip: Sequence[str]) -> list[str]:
    """only: None for all but those that run by their name alone.

    Raises:
        Misuse: there is no benchmark of such a name, or none is left.
    """
    for name in (*(only or ()), *skip):
        if name not in BENCHES:
            raise Misuse(f"there is no benchmark {name!r}", why=did_you_mean(name, list(BENCHES)))
    wanted = [name for name, bench in BENCHES.items() if not bench.asked_for] if only is None else only
    names = [name for name in BENCHES if name in wanted and name not in skip]
    if not names:
        raise Misuse("no benchmark is left", next_step=f"choose some of {', '.join(BENCHES)}")
    return names


def run_all(
    names: Sequence[str], folder: Path, short: bool, report: Report, settle: Callable[[], None]
) -> dict[str, str]:
    """Run them and keep what they find; what became of each. One that fails keeps no other from running.

    settle: comes back when the one before weighs on the next no longer.
    """
    became = {}
    for number, name in enumerate(names, 1):
        bench = BENCHES[name]
        arguments = ("bench", *bench.arguments, *(bench.short if short else ()))
        command = " ".join(("fraudml", *arguments))
        if not short:
            settle()
        report.note(f"{command} ({number} of {len(names)})")
        code, told = _run((*arguments, "--json"))
        if code in (0, CHECK_FAILED):
            keep(folder, name, Kept(command, _document(told)))
            became[name] = "ok" if code == 0 else "found something: look at its verdict"
        else:
            became[name] = f"failed with {code}"
        report.note(f"{name}: {became[name]}")
    return became


def until_quiet(report: Report) -> None:
    """Wait for it, but not for ever: what runs on a busy machine says so beside its figures."""
    cores = os.cpu_count() or 1
    report.waiting("waiting until the load of what ran before has fallen")
    with suppress(TimedOut):
        until(lambda: is_quiet(cores), within_s=QUIET_WITHIN_S, every_s=1.0)


def _document(told: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(told)
    return document


def _run(arguments: Sequence[str]) -> tuple[int, str]:
    """Its words go where ours do. If we are to end it ends first, and stops what it has begun.

    A session of its own: a Ctrl-C would else reach it twice, and the second one its clearing away.
    """
    command = [sys.executable, "-m", "deploy.cli.main", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            told, _ = process.communicate(timeout=WITHIN_S)
        except BaseException:
            process.terminate()
            process.wait(STOP_S)
            raise
    return process.returncode, told


def write_page(folder: Path, docs: Path) -> Path:
    """Make the page and its pictures from the documents that are there.

    Raises:
        NotFound: there are none.
        BadFile: one of them is something else.
    """
    kept = kept_in(folder)
    if not kept:
        raise NotFound(f"there is no benchmark's document in {folder}", next_step="fraudml bench all")
    pictures = docs / PICTURES
    pictures.mkdir(parents=True, exist_ok=True)
    for chart in charts({name: each.found for name, each in kept.items()}):
        for theme in THEMES:
            (pictures / chart.file(theme)).write_text(chart.svg(theme))
    (docs / PAGE).write_text(page(kept, PICTURES))
    return docs / PAGE
