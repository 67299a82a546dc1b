"""bench: how fast it is, on this machine."""

from typing import Annotated, Any

import typer

from deploy.cli.terminal import CHECK_FAILED, print_json, print_table, reporting

bench = typer.Typer(help="Measure throughput and latency on a stack of its own.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@bench.command()
def throughput(
    alert_share: Annotated[
        float | None,
        typer.Option(min=0.0001, max=0.5, help="Flag about so many, by a policy made for it."),
    ] = None,
    runs: Annotated[int, typer.Option(min=1, max=20, help="How many backlogs; medians are told.")] = 3,
    json: Json = False,
) -> None:
    """Work off a backlog with one worker, histories warm: Kafka to committed decision and alert.

    Takes about three minutes. CPU is told of each process, memory of the worker.

    [bold]Examples[/]

      fraudml bench throughput
      fraudml bench throughput --alert-share 0.02
      fraudml bench throughput --json
    """
    from deploy.jobs.benchmarks import bench_throughput

    with reporting() as report:
        found = bench_throughput(alert_share, runs, report)
    _print(found, json)


@bench.command()
def latency(
    rate: Annotated[float, typer.Option(min=1, help="Transactions per second.")] = 1000,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 30,
    json: Json = False,
) -> None:
    """Send at a steady rate and time each transaction from when it was due to its committed decision.

    [bold]Examples[/]

      fraudml bench latency --rate 1000 --seconds 30
      fraudml bench latency --rate 4000 --seconds 20 --json
    """
    from deploy.jobs.benchmarks import bench_latency

    with reporting() as report:
        found = bench_latency(rate, seconds, report)
    _print(found, json)


@bench.command()
def rest(
    rate: Annotated[float, typer.Option(min=1, help="Requests per second.")] = 200,
    seconds: Annotated[float, typer.Option(min=1, help="How long to measure.")] = 30,
    saturate: Annotated[
        bool, typer.Option("--saturate", help="Look for the greatest rate with a p99 of at most 50 ms.")
    ] = False,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Of the gateway.")] = 1,
    json: Json = False,
) -> None:
    """Have transactions decided over HTTP at a steady rate, and time each from when it was due to its answer.

    A worker runs beside the gateway. CPU is told of the gateway and of the generator, which shares its cores.

    [bold]Examples[/]

      fraudml bench rest --rate 200 --seconds 30
      fraudml bench rest --saturate
      fraudml bench rest --saturate --processes 2 --json
    """
    from deploy.jobs.bench_rest import bench_rest, bench_rest_saturation

    with reporting() as report:
        if saturate:
            found = bench_rest_saturation(processes, report)
        else:
            found = bench_rest(rate, seconds, processes, report)
    _print(found, json)


@bench.command()
def monitor(
    rate: Annotated[float, typer.Option(min=1, help="Transactions per second.")] = 1000,
    seconds: Annotated[float, typer.Option(min=1, help="How long each turn is measured.")] = 30,
    watchers: Annotated[int, typer.Option(min=1, max=50, help="How many look at the live page.")] = 1,
    json: Json = False,
) -> None:
    """Send at a steady rate while nobody and while somebody looks at the monitor, by turns; about five
    minutes.

    Tells latency, cores of gateway, monitor and stores, and how late what the page told was. Watchers ask
    what a browser asks, and draw nothing.

    [bold]Examples[/]

      fraudml bench monitor
      fraudml bench monitor --watchers 10 --seconds 20 --json
    """
    from deploy.jobs.bench_monitor import bench_monitor

    with reporting() as report:
        found = bench_monitor(rate, seconds, watchers, report)
    _print(found, json)


@bench.command()
def recovery(json: Json = False) -> None:
    """Kill a worker and Kafka, let Redis forget, and time how long it takes until everything moves again.

    [bold]Examples[/]

      fraudml bench recovery
      fraudml bench recovery --json
    """
    from deploy.jobs.recovery import bench_recovery

    with reporting() as report:
        found = bench_recovery(report)
    _print(found, json)


@bench.command()
def guarantee(json: Json = False) -> None:
    """Compare a worker with one that has no transactions, ownership and watermarks: what they cost.

    Both take their turns on the same stack, from the same kind of backlog. Takes about three minutes.

    [bold]Examples[/]

      fraudml bench guarantee
      fraudml bench guarantee --json
    """
    from deploy.jobs.guarantee import bench_guarantee

    with reporting() as report:
        found = bench_guarantee(report)
    _print(found, json)


@bench.command()
def promotion(
    rate: Annotated[float, typer.Option(min=100, help="Transactions per second.")] = 2000, json: Json = False
) -> None:
    """Promote a model under load, roll it back, and promote a damaged file; two workers and a registry.

    Times until no row is decided by the version before, and what it does to latency. Takes about three
    minutes.

    [bold]Examples[/]

      fraudml bench promotion
      fraudml bench promotion --rate 1000 --json
    """
    from deploy.jobs.promoting import bench_promotion

    with reporting() as report:
        found = bench_promotion(rate, report)
    _print(found, json)


@bench.command()
def outages(
    rate: Annotated[float, typer.Option(min=1, help="Requests per second.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="How long each dependency is away.")] = 10,
    json: Json = False,
) -> None:
    """Ask two gateways while one dependency after the other is away, ended and stopped; about six minutes.

    Exits with 4 if an answer made with less does not say so, or is not what its row says.

    [bold]Examples[/]

      fraudml bench outages
      fraudml bench outages --rate 100 --seconds 20 --json
    """
    from deploy.jobs.outages import bench_outages

    with reporting() as report:
        found = bench_outages(rate, seconds, report)
    if json:
        print_json(found)
    else:
        rows = [tuple(_words(value) for value in each.values()) for each in found["outages"]]
        print_table(tuple(name.upper() for name in found["outages"][0]), rows, {})
    if found["silent"] or found["disagree"]:
        raise typer.Exit(CHECK_FAILED)


PEERS_SHOWN = {
    "name": "NAME",
    "tx_per_s": "TX/S",
    "cpu_us_per_tx": "CPU µs/TX",
    "p50_ms": "P50 ms",
    "p99_ms": "P99 ms",
    "lost": "LOST",
    "doubled": "DOUBLED",
}


@bench.command()
def peers(
    only: Annotated[str, typer.Option(help="Names of peers, with commas; all if not given.")] = "",
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Counted ones; one before is not.")] = 3,
    transactions: Annotated[int, typer.Option(min=4000, help="In each round.")] = 40_000,
    json: Json = False,
) -> None:
    """Have other tools do the whole job beside ours, each in an environment of its own; 15 minutes or so.

    Throughput in rounds, then latency at 1,000 tx/s, then what one kill -9 loses and doubles. Their packages
    are installed for it, and removed. See docs/peers.md.

    [bold]Examples[/]

      fraudml bench peers
      fraudml bench peers --only confluent-batch,faust-take --rounds 5 --json
    """
    from deploy.jobs.bench_peers import bench_peers

    with reporting() as report:
        found = bench_peers([name for name in only.split(",") if name], rounds, transactions, report)
    if json:
        print_json(found)
    else:
        rows = [
            tuple(_figure(each[name]) for name in PEERS_SHOWN) for each in (found["ours"], *found["peers"])
        ]
        print_table(tuple(PEERS_SHOWN.values()), rows, {})


@bench.command()
def guard(json: Json = False) -> None:
    """Compare ours with a plain loop that does the same job and promises nothing, by turns.

    Exits with 4 if ours costs more beside it than the floors allow, whatever the machine. Takes one to
    three minutes.

    [bold]Examples[/]

      fraudml bench guard
      fraudml bench guard --json
    """
    from deploy.jobs.bench_guard import bench_guard

    with reporting() as report:
        found = bench_guard(report)
    _print(found, json)
    if not found["holds"]:
        raise typer.Exit(CHECK_FAILED)


def _figure(value: Any) -> str:
    if value is None:
        return "cannot hold"
    return f"{value:,}" if isinstance(value, int | float) else str(value)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count}" for name, count in value.items())
    return str(value)


def _print(found: dict[str, Any], json: bool) -> None:
    if json:
        print_json(found)
    else:
        print_table(("FIGURE", "VALUE"), [(name, f"{value:,}") for name, value in found.items()], {})
