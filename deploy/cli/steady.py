"""bench, at a steady rate: how long transactions wait, and whether it stays so for an hour."""

from typing import Annotated

import typer

from deploy.cli.figures import figure, measured, print_machine
from deploy.cli.terminal import CHECK_FAILED, INTERRUPTED, print_json, print_table

steady = typer.Typer()

AlertShare = Annotated[
    float | None, typer.Option(min=0.0001, max=0.5, help="Flag about so many, by a policy made for it.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@steady.command()
def latency(
    rate: Annotated[str, typer.Option(help="Transactions per second; several with commas.")] = "1000",
    seconds: Annotated[float, typer.Option(min=1, help="How long each run is measured.")] = 30,
    runs: Annotated[int, typer.Option(min=1, max=20, help="Of each rate, by turns; medians are told.")] = 3,
    linger_ms: Annotated[
        float,
        typer.Option(min=0, max=1000, help="How long the producer gathers records; clients' default is 5."),
    ] = 0,
    alert_share: AlertShare = None,
    json: Json = False,
) -> None:
    """Send at a steady rate and time each transaction from when it was due to its committed decision.

    Alerts until a subscriber that reads committed records alone has them. What the producer gathers makes the
    first of them later and costs Kafka less. With --json each rate comes with its HdrHistogram in
    microseconds.

    [bold]Examples[/]

      fraudml bench latency --rate 1000 --seconds 30
      fraudml bench latency --rate 1000,4000,10000 --json
      fraudml bench latency --rate 10000 --linger-ms 5
      fraudml bench latency --rate 1000 --alert-share 0.02
    """
    rates = rates_of(rate)
    from deploy.jobs.bench_latency import HISTOGRAM, bench_latency

    found = measured(lambda report: bench_latency(rates, seconds, runs, linger_ms, alert_share, report))
    if json:
        print_json(found)
        return
    shown = [name for name in found["rates"][0] if name not in ("rate", HISTOGRAM)]
    print_table(
        ("FIGURE", *(f"{each['rate']:,.0f} TX/S" for each in found["rates"])),
        [(name, *(figure(each.get(name)) for each in found["rates"])) for name in shown],
        {},
    )
    print_machine(found["machine"])


def rates_of(text: str) -> list[float]:
    """Numbers with commas between them."""
    found = []
    for word in text.split(","):
        try:
            rate = float(word)
        except ValueError:
            rate = 0.0
        if not 1 <= rate <= 1_000_000:
            raise typer.BadParameter(
                f"{word.strip() or text!r} is no rate from 1 on, like those in 1000,4000", param_hint="--rate"
            )
        found.append(rate)
    return found


@steady.command()
def soak(
    minutes: Annotated[float, typer.Option(min=0.5, max=1440, help="How long.")] = 60,
    rate: Annotated[float, typer.Option(min=10, help="Transactions per second.")] = 2000,
    faults: Annotated[
        int | None,
        typer.Option(min=0, help="How many strike afterwards; every kind once if not given, 0 for none."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the faults.")] = 1,
    json: Json = False,
) -> None:
    """Send at a steady rate for long: is memory flat, is latency, and does everything agree at the end?

    Exits with 4 if not. Then as many faults strike on another stack, at 300 tx/s, 13 seconds each; the same
    seed gives the same ones. Ctrl-C tells what was seen until then.

    [bold]Examples[/]

      fraudml bench soak
      fraudml bench soak --minutes 10 --rate 1000 --faults 0
      fraudml bench soak --minutes 60 --seed 7 --json
    """
    from deploy.jobs.bench_soak import Plan, bench_soak

    found = measured(lambda report: bench_soak(Plan(minutes, rate, faults, seed), report))
    if json:
        print_json(found)
    else:
        verdicts = found["verdicts"]
        rows = [(name, "yes" if each["passed"] else "NO", each["says"]) for name, each in verdicts.items()]
        print_table(("SUBJECT", "GOOD", "WHAT"), rows, {"NO": "red"})
        print_machine(found["machine"])
    if found["ended_early"] == "interrupted":
        raise typer.Exit(INTERRUPTED)
    if not all(each["passed"] for each in found["verdicts"].values()):
        raise typer.Exit(CHECK_FAILED)
