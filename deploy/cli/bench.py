"""bench: how fast it is, on this machine."""

from typing import Annotated, Any

import typer

from deploy.cli.terminal import print_json, print_table, reporting

bench = typer.Typer(help="Measure throughput and latency on a stack of its own.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@bench.command()
def throughput(
    alert_share: Annotated[
        float | None,
        typer.Option(min=0.0001, max=0.5, help="Flag about so many, by a policy made for it."),
    ] = None,
    json: Json = False,
) -> None:
    """Work off a backlog with one worker, histories warm: Kafka to committed decision and alert.

    Takes about two minutes. CPU and memory are those of the worker alone.

    [bold]Examples[/]

      fraudml bench throughput
      fraudml bench throughput --alert-share 0.02
      fraudml bench throughput --json
    """
    from deploy.jobs.benchmarks import bench_throughput

    with reporting() as report:
        found = bench_throughput(alert_share, report)
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


def _print(found: dict[str, Any], json: bool) -> None:
    if json:
        print_json(found)
    else:
        print_table(("FIGURE", "VALUE"), [(name, f"{value:,}") for name, value in found.items()], {})
