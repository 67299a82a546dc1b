"""Pictures of figures, each for a light and a dark page."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Of Okabe and Ito: told apart by those who see few colours, on light and on dark.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
PROCESSES = ("worker", "postgres", "kafka", "valkey")
THEMES = {"light": ("#ffffff", "#1f2328", "#d1d9e0"), "dark": ("#0d1117", "#e6edf3", "#3d444d")}
WIDE, HIGH = 7.5, 3.6
# Text stays text, and the same figures give the same file.
SAVED = {"svg.fonttype": "none", "svg.hashsalt": "fraudml", "font.family": "sans-serif", "font.size": 10}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Chart:
    """bench: whose figures. name: of its files. alt: what it shows, for whoever does not see it."""

    bench: str
    name: str
    alt: str
    draw: Callable[["Figure"], None]

    def file(self, theme: str) -> str:
        return f"bench-{self.name}-{theme}.svg"

    def svg(self, theme: str) -> str:
        # Imported where it draws: it makes folders for its settings and fonts as soon as it is there.
        import matplotlib as mpl
        from matplotlib.figure import Figure

        page, ink, faint = THEMES[theme]
        settings: dict[Any, Any] = {
            **SAVED,
            **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), ink),
            **dict.fromkeys(("axes.edgecolor", "grid.color", "legend.edgecolor"), faint),
            **dict.fromkeys(("axes.facecolor", "figure.facecolor", "legend.facecolor"), page),
        }
        with mpl.rc_context(settings):
            figure = Figure(figsize=(WIDE, HIGH), layout="constrained")
            self.draw(figure)
            out = io.StringIO()
            figure.savefig(out, format="svg", metadata={"Date": None, "Title": self.alt})
        return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def charts(found: Mapping[str, Mapping[str, Any]]) -> list[Chart]:
    """Of what there is."""
    makers: Mapping[str, Callable[[Mapping[str, Any]], list[Chart]]] = {
        "latency": _of_latency,
        "scale": _of_scale,
        "state": _of_state,
        "throughput": lambda document: [
            _stacked("throughput", "cpu", "under a backlog", ["one worker"], [document])
        ],
        "soak": _of_soak,
    }
    return [chart for name, make in makers.items() if name in found for chart in make(found[name])]


def _of_latency(document: Mapping[str, Any]) -> list[Chart]:
    rows = [row for row in document["rates"] if row["held"] == row["runs"]]
    lines = {"p50": "p50_ms", "p99": "p99_ms", "p99.9": "p999_ms"}
    if not rows:
        return []

    def draw(figure: "Figure") -> None:
        axes = _axes(figure.subplots(), "transactions a second", "ms from due to committed")
        for colour, (label, name) in zip(COLOURS, lines.items(), strict=False):
            axes.plot(_of(rows, "rate"), _of(rows, name), "o-", color=colour, label=label)
        _log_ms(axes)
        _legend(axes)

    told = "; ".join(
        f"{row['rate']:,.0f} tx/s {row['p50_ms']}, {row['p99_ms']}, {row['p999_ms']}" for row in rows
    )
    return [Chart("latency", "latency", f"Latency in ms (p50, p99, p99.9) against rate: {told}", draw)]


def _of_scale(document: Mapping[str, Any]) -> list[Chart]:
    rows = document["workers"]

    def draw(figure: "Figure") -> None:
        axes = _axes(figure.subplots(), "worker processes", "transactions a second")
        below = [row["tx_per_s"] - row["least_tx_per_s"] for row in rows]
        above = [row["greatest_tx_per_s"] - row["tx_per_s"] for row in rows]
        axes.errorbar(
            _of(rows, "workers"), _of(rows, "tx_per_s"), (below, above), fmt="o-", color=COLOURS[0], capsize=4
        )
        axes.set_xticks(_of(rows, "workers"))
        axes.set_ylim(bottom=0)

    told = "; ".join(f"{row['workers']}: {row['tx_per_s']:,.0f} tx/s" for row in rows)
    names = [f"{row['workers']} at work" for row in rows]
    line = Chart("scale", "workers", f"Throughput against worker processes: {told}", draw)
    return [line, _stacked("scale", "workers-cpu", "by number of workers", names, rows)]


@dataclass(frozen=True)
class Panel:
    """rows: their name in the document. size: which of their figures goes across. far: sizes lie
    orders of magnitude apart, and the axis is logarithmic."""

    rows: str
    size: str
    words: str
    far: bool


PANELS = (
    Panel("customers", "customers", "customers with histories", far=True),
    Panel("lengths", "records_per_customer", "records of a customer", far=False),
    Panel("ledger", "rows_before", "rows in the ledger before", far=True),
)


def _of_state(document: Mapping[str, Any]) -> list[Chart]:
    there = [panel for panel in PANELS if panel.rows in document]
    if not there:
        return []

    def draw(figure: "Figure") -> None:
        from matplotlib.ticker import EngFormatter

        for axes, panel in zip(figure.subplots(1, len(there), squeeze=False)[0], there, strict=True):
            rows = document[panel.rows]
            _axes(axes, panel.words, "CPU µs a transaction")
            for colour, who in zip(COLOURS, ("worker", "all"), strict=False):
                axes.plot(
                    _of(rows, panel.size), _of(rows, f"{who}_cpu_us_per_tx"), "o-", color=colour, label=who
                )
            if panel.far:
                axes.set_xscale("symlog", linthresh=1000)
                axes.xaxis.set_major_formatter(EngFormatter(places=1, sep=""))
            axes.set_xticks(_of(rows, panel.size))
            axes.minorticks_off()
            axes.set_ylim(bottom=0)
            _legend(axes)

    told = "; ".join(
        f"{row[panel.size]:,} {panel.words}: {row['all_cpu_us_per_tx']}"
        for panel in there
        for row in document[panel.rows]
    )
    return [Chart("state", "state", f"CPU µs a transaction of all processes against size: {told}", draw)]


def _stacked(bench: str, name: str, what: str, names: Sequence[str], rows: Sequence[Row]) -> Chart:
    def draw(figure: "Figure") -> None:
        axes = _axes(figure.subplots(), "CPU µs a transaction", "")
        left = [0.0] * len(rows)
        for colour, process in zip(COLOURS, PROCESSES, strict=False):
            widths = _of(rows, f"{process}_cpu_us_per_tx")
            axes.barh(names, widths, left=left, color=colour, label=process, height=0.6)
            left = [before + width for before, width in zip(left, widths, strict=True)]
        axes.invert_yaxis()
        axes.margins(y=0.2)
        _legend(axes)

    told = "; ".join(
        f"{title}: " + ", ".join(f"{each} {row[f'{each}_cpu_us_per_tx']}" for each in PROCESSES)
        for title, row in zip(names, rows, strict=True)
    )
    return Chart(bench, name, f"CPU µs a transaction by process, {what}: {told}", draw)


def _of_soak(document: Mapping[str, Any]) -> list[Chart]:
    minutes = document["minutes"]
    if not minutes:
        return []
    names = list(minutes[-1]["memory_mb"])

    def draw(figure: "Figure") -> None:
        left, right = figure.subplots(1, 2)
        _axes(left, "minute", "memory, MB")
        for colour, name in zip(COLOURS, names, strict=False):
            memory = [each["memory_mb"].get(name, float("nan")) for each in minutes]
            left.plot(_of(minutes, "minute"), memory, color=colour, label=name)
        left.set_ylim(bottom=0)
        _legend(left, columns=2)
        _axes(right, "minute", "ms from due to committed")
        for colour, name in zip(COLOURS, ("p50", "p99"), strict=False):
            right.plot(_of(minutes, "minute"), _of(minutes, f"{name}_ms"), color=colour, label=name)
        _log_ms(right)
        _legend(right)

    says = "; ".join(f"{name} {each['says']}" for name, each in document["verdicts"].items())
    return [Chart("soak", "soak", f"Memory of each process and latency, minute by minute: {says}", draw)]


def _axes(axes: Any, across: str, up: str) -> "Axes":
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(visible=True, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    if up:
        axes.yaxis.set_major_formatter("{x:,.0f}")
    found: Axes = axes
    return found


def _log_ms(axes: "Axes") -> None:
    axes.set_yscale("log", subs=[2, 5])
    for axis in ("major", "minor"):
        axes.tick_params(axis="y", which=axis, labelsize=9)
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_formatter("{x:,g}")
    axes.grid(visible=True, which="minor", axis="y", linewidth=0.5)


def _legend(axes: "Axes", columns: int = 4) -> None:
    # Above the figures, never upon them.
    axes.legend(
        fontsize=8, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), frameon=False, borderaxespad=0.2
    )


def _of(rows: Sequence[Row], name: str) -> list[float]:
    return [row[name] for row in rows]
