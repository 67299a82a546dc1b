"""chaos: everything is killed, stopped, cut and wiped while transactions go through; then it is counted."""

from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.terminal import CHECK_FAILED, print_json, print_table, reporting, say

if TYPE_CHECKING:
    from deploy.jobs.chaos import Verdict


def chaos(
    transactions: Annotated[int, typer.Option(min=1000, help="How many are replayed.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the faults and the transactions.")] = 1,
    faults: Annotated[int, typer.Option(min=1, help="How many, every kind once before any twice.")] = 14,
    rate: Annotated[
        float | None,
        typer.Option(min=1, help="Transactions per second; leaves each fault its time if not set."),
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="FAULT", help="These faults only.")] = None,
    mixed: Annotated[
        bool,
        typer.Option(
            help="The same customers by Kafka and REST at once, a fifth of the transactions by both."
        ),
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="Print the faults there are, and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Kill, stop, cut and wipe while transactions go through; exits with 4 if one is lost or doubled.

    Runs on a stack and in a folder of its own, with two workers and two gateways; other servers are
    refused. A drill of 100,000 transactions takes about five minutes.

    [bold]Examples[/]

      fraudml chaos --transactions 20000 --seed 3
      fraudml chaos --transactions 100000 --seed 7 --json
      fraudml chaos --list
      fraudml chaos --only wipe_redis --only kill_kafka --faults 4
      fraudml chaos --mixed --only kill_everyone --only kill_gateway --transactions 50000 --faults 20
    """
    if show:
        _list()
        return
    from deploy.jobs.chaos import chaos as run
    from deploy.jobs.drill_load import Orders

    orders = Orders(transactions, seed, faults, rate, _known(only or []), mixed)
    with reporting() as report:
        verdict = run(orders, report, say)
    _tell(verdict, json)
    if not verdict.clean:
        raise typer.Exit(CHECK_FAILED)


def _list() -> None:
    from load.chaos.faults import FAULTS

    rows = [(fault.name, ", ".join(map(str, fault.rows)), _what(fault.act.__doc__)) for fault in FAULTS]
    print_table(("FAULT", "ROW", "WHAT"), rows, {})


def _what(doc: str | None) -> str:
    return (doc or "").strip().split("\n")[0]


def _known(names: list[str]) -> tuple[str, ...]:
    from load.chaos.faults import FAULTS
    from load.suggestion import did_you_mean

    known = [fault.name for fault in FAULTS]
    for name in names:
        if name not in known:
            raise typer.BadParameter(f"there is no fault {name!r}: {did_you_mean(name, known)}")
    return tuple(names)


def _tell(verdict: "Verdict", json: bool) -> None:
    document = verdict.document()
    for line in (*document["complaints"], *document["first"]):
        say(line)
    if json:
        print_json(document)
        return
    say(
        "{transactions:,} transactions, {faults} faults of {kinds} kinds: {lost} lost, {doubled} doubled, "
        "{features_differ} with other features; {callers[told]:,} answers told, {callers[disagree]} of them "
        "not so, {callers[overtaken]} overtaken; {reconciles} reconciliations, {findings} findings".format(
            **document
        )
    )
