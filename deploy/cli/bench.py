"""bench: how fast it is, on this machine."""

from typing import Annotated, Any

import typer

from deploy.cli.bench_all import everything
from deploy.cli.contests import contests
from deploy.cli.figures import measured, print_figures, print_machine
from deploy.cli.growth import growth
from deploy.cli.steady import AlertShare, steady
from deploy.cli.terminal import CHECK_FAILED, print_json, print_table

bench = typer.Typer(help="Measure throughput and latency on a stack of its own.", no_args_is_help=True)
bench.add_typer(contests)
bench.add_typer(everything)
bench.add_typer(growth)
bench.add_typer(steady)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@bench.command()
def throughput(
    alert_share: AlertShare = None,
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

    found = measured(lambda report: bench_throughput(alert_share, runs, report))
    print_figures(found, json)


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

    found = measured(
        lambda report: (
            bench_rest_saturation(processes, report)
            if saturate
            else bench_rest(rate, seconds, processes, report)
        )
    )
    print_figures(found, json)


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

    found = measured(lambda report: bench_monitor(rate, seconds, watchers, report))
    print_figures(found, json)


@bench.command()
def recovery(json: Json = False) -> None:
    """Kill a worker and Kafka, let Redis forget, and time how long it takes until everything moves again.

    [bold]Examples[/]

      fraudml bench recovery
      fraudml bench recovery --json
    """
    from deploy.jobs.recovery import bench_recovery

    found = measured(lambda report: bench_recovery(report))
    print_figures(found, json)


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

    found = measured(lambda report: bench_promotion(rate, report))
    print_figures(found, json)


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

    found = measured(lambda report: bench_outages(rate, seconds, report))
    if json:
        print_json(found)
    else:
        rows = [tuple(_words(value) for value in each.values()) for each in found["outages"]]
        print_table(tuple(name.upper() for name in found["outages"][0]), rows, {})
        print_machine(found["machine"])
    if found["silent"] or found["disagree"]:
        raise typer.Exit(CHECK_FAILED)


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {count}" for name, count in value.items())
    return str(value)
