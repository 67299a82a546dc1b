"""The page of benchmarks: machine, goals, tables and pictures, from the documents alone."""

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any

from load.report.charts import THEMES, Chart, charts
from load.report.goals import Outcome, outcomes
from load.report.kept import Kept

# In the order of the page, with what each section begins with.
SECTIONS = {
    "throughput": ("Throughput", "A backlog in Kafka, worked off by one worker with histories of 30 days."),
    "latency": (
        "Latency",
        "At a steady rate, each transaction from when it was due to be produced to its committed decision; "
        "alerts until a subscriber that reads committed records alone has them.",
    ),
    "latency-gathered": (
        "Latency, gathered",
        "As under Latency, with a producer that gathers records for 5 ms, as librdkafka's does unless told "
        "otherwise, and Java's from Kafka 4.0 on.",
    ),
    "latency-alerts": (
        "Latency, many alerts",
        "As under Latency, with a policy that flags about two in a hundred; the default one flags two in a "
        "thousand.",
    ),
    "scale": ("Workers", "The same backlog for one worker process and for several."),
    "state": (
        "Growth",
        "What a transaction costs where there are more customers, longer histories, or more rows in the "
        "ledger.",
    ),
    "rest": ("Over HTTP", "Decisions by the gateway at a steady rate."),
    "rest-saturate": ("Over HTTP, as many as it takes", "The greatest rate with a p99 of at most 50 ms."),
    "peers": ("Other tools", "The same job beside ours; [peers.md](peers.md) says how they are written."),
    "guarantee": ("The guarantee", "Against a worker without transactions, ownership and watermarks."),
    "recovery": ("Recovery", "Until everything moves again."),
    "soak": ("Soak", "A steady rate for long; then faults by one seed on another stack."),
}
# What has rows or words of its own, or is too long for a page.
ELSEWHERE = ("machine", "reconcile", "ours")


def page(kept: Mapping[str, Kept], pictures: str = "pictures") -> str:
    """Markdown. pictures: the folder of the pictures, from where the page is."""
    kept = {name: kept[name] for name in SECTIONS if name in kept}
    drawn = charts({name: each.found for name, each in kept.items()})
    parts = [
        "# Benchmarks",
        "Made by `fraudml bench all` from the JSON documents that it kept, and anew by `fraudml bench all "
        "--no-run`. Nothing here is written by hand.",
        _machine(kept),
        _goals(outcomes(kept)),
    ]
    for name, (title, words) in SECTIONS.items():
        parts += _section(
            title, words, kept.get(name), [each for each in drawn if each.bench == name], pictures
        )
    return "\n\n".join(part for part in parts if part) + "\n"


def _machine(kept: Mapping[str, Kept]) -> str:
    lines = ["## Machine"]
    for told, benches in groupby(kept.items(), lambda each: _hardware(each[1].machine)):
        lines += [f"{', '.join(name for name, _ in benches)}: {told}."]
    rows = [
        (
            name,
            f"`{each.command}`",
            each.machine["at"],
            each.machine["load_1m_before"],
            f"{each.machine['others_cpu_percent']} %",
            f"{each.machine['steal_percent']} %",
            each.machine["warning"] or "",
        )
        for name, each in kept.items()
    ]
    head = ("benchmark", "command", "at", "load before", "CPU of others", "steal", "")
    return "\n\n".join([*lines, _table(head, rows)])


def _hardware(machine: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, everything on it; "
        f"{machine['kernel']}, Python {machine['python']}; {versions}"
    )


def _goals(found: Sequence[Outcome]) -> str:
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = [
        (each.goal.bench, each.goal.what, each.goal.wanted(), each.told(), words[each.reached])
        for each in found
    ]
    missed = [
        f"{each.goal.what} ({each.told()} for {each.goal.wanted()})"
        for each in found
        if each.reached is False
    ]
    says = f"Not reached: {'; '.join(missed)}." if missed else "Whatever was measured was reached."
    head = ("benchmark", "what", "goal", "measured", "reached")
    return "\n\n".join(["## Goals", _table(head, rows), says])


def _section(title: str, words: str, kept: Kept | None, drawn: Sequence[Chart], pictures: str) -> list[str]:
    if kept is None:
        return [f"## {title}", "Not measured."]
    return [
        f"## {title}",
        words,
        f"    {kept.command}",
        *(_picture(chart, pictures) for chart in drawn),
        *_tables(kept.found),
    ]


def _picture(chart: Chart, folder: str) -> str:
    light, dark = (f"{folder}/{chart.file(theme)}" for theme in THEMES)
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img alt="{escape(chart.alt)}" src="{light}"></picture>'
    )


def _tables(found: Mapping[str, Any]) -> list[str]:
    """Rows of figures as tables, single figures as one more; what is longer stays in the JSON."""
    tables = []
    for value in _rows_in(found):
        names = [
            name for name in value[0] if not isinstance(value[0][name], dict) and "histogram" not in name
        ]
        tables.append(_table(names, [[row.get(name) for name in names] for row in value]))
    plain = _plain(found)
    return [*tables, _table(("figure", "value"), list(plain.items()))] if plain else tables


def _rows_in(found: Mapping[str, Any]) -> list[Sequence[Mapping[str, Any]]]:
    if "ours" in found:
        return [[found["ours"], *found["peers"]]]
    names = ("rates", "workers", "customers", "lengths", "ledger")
    return [found[name] for name in names if isinstance(found.get(name), list) and found[name]]


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """Single figures, those of one level below with both names; not again what has rows of its own."""
    if "rates" in found:
        return {}
    told: dict[str, Any] = {}
    for name, value in found.items():
        if name in ELSEWHERE:
            continue
        if isinstance(value, dict):
            told |= {f"{name} {each}": _inner(inner) for each, inner in value.items()}
        elif not isinstance(value, list) and "histogram" not in name:
            told[name] = value
    return told


def _inner(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_cell(each)}" for name, each in value.items())
    return value


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int | float) else str(value)
    return text.replace("|", "\\|")
