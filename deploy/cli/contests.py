"""bench, beside others: ours without its guarantee, other tools at our job, a loop that promises nothing."""

from typing import Annotated, Any

import typer

from deploy.cli.figures import figure, measured, print_figures, print_machine
from deploy.cli.terminal import CHECK_FAILED, print_json, print_table

contests = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

PEERS_SHOWN = {
    "name": "NAME",
    "tx_per_s": "TX/S",
    "cpu_us_per_tx": "CPU µs/TX",
    "p50_ms": "P50 ms",
    "p99_ms": "P99 ms",
    "lost": "LOST",
    "doubled": "DOUBLED",
}


@contests.command()
def guarantee(json: Json = False) -> None:
    """Compare a worker with one that has no transactions, ownership and watermarks: what they cost.

    Both take their turns on the same stack, from the same kind of backlog. Takes about three minutes.

    [bold]Examples[/]

      fraudml bench guarantee
      fraudml bench guarantee --json
    """
    from deploy.jobs.guarantee import bench_guarantee

    found = measured(lambda report: bench_guarantee(report))
    print_figures(found, json)


@contests.command()
def peers(
    only: Annotated[str, typer.Option(help="Names of peers, with commas; all if not given.")] = "",
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Counted ones; one before is not.")] = 3,
    transactions: Annotated[int, typer.Option(min=4000, help="In each round.")] = 40_000,
    json: Json = False,
) -> None:
    """Have other tools do the whole job beside ours, each in an environment of its own; 20 minutes or so.

    Throughput in rounds, then latency at 1,000 tx/s, then what one kill -9 loses and doubles. Their packages
    are installed for it, and removed. See docs/peers.md.

    [bold]Examples[/]

      fraudml bench peers
      fraudml bench peers --only confluent-batch,faust-take --rounds 5 --json
    """
    from deploy.jobs.bench_peers import bench_peers

    names = [name for name in only.split(",") if name]
    found = measured(lambda report: bench_peers(names, rounds, transactions, report))
    if json:
        print_json(found)
    else:
        rows = [
            tuple(_figure(each[name]) for name in PEERS_SHOWN) for each in (found["ours"], *found["peers"])
        ]
        print_table(tuple(PEERS_SHOWN.values()), rows, {})
        print_machine(found["machine"])


@contests.command()
def guard(json: Json = False) -> None:
    """Compare ours with a plain loop that does the same job and promises nothing, by turns.

    Exits with 4 if ours costs more beside it than the floors allow, whatever the machine. Takes one to
    three minutes.

    [bold]Examples[/]

      fraudml bench guard
      fraudml bench guard --json
    """
    from deploy.jobs.bench_guard import bench_guard

    found = measured(lambda report: bench_guard(report))
    print_figures(found, json)
    if not found["holds"]:
        raise typer.Exit(CHECK_FAILED)


def _figure(value: Any) -> str:
    if value is None:
        return "cannot hold"
    return figure(value)
