"""bench, as things grow: customers, the ledger, one busy terminal, and workers."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from deploy.cli.figures import figure, measured, print_machine
from deploy.cli.terminal import print_json, print_table

growth = typer.Typer()

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Transactions = Annotated[int, typer.Option(min=1000, help="In each run.")]

# Of bench state, in their order.
PARTS = ("customers", "lengths", "hot", "ledger")
# What a row of a table shows, under which heading.
COSTS = {
    "tx_per_s": "TX/S",
    "worker_cpu_us_per_tx": "WORKER µs/TX",
    "kafka_cpu_us_per_tx": "KAFKA",
    "valkey_cpu_us_per_tx": "VALKEY",
    "postgres_cpu_us_per_tx": "POSTGRES",
    "all_cpu_us_per_tx": "ALL",
}
BY_CUSTOMERS = {
    "customers": "CUSTOMERS",
    "customers_touched_in_a_run": "TOUCHED",
    "redis_bytes_per_customer": "BYTES EACH",
    "redis_bytes_per_terminal": "A TERMINAL",
    **COSTS,
}
BY_LENGTH = {
    "records_per_customer": "RECORDS OF A CUSTOMER",
    "records_per_terminal": "OF A TERMINAL",
    **COSTS,
}
BY_ROWS = {"rows_before": "ROWS BEFORE", **COSTS}
BY_WORKERS = {
    "workers": "WORKERS",
    "least_tx_per_s": "LEAST",
    "greatest_tx_per_s": "GREATEST",
    **COSTS,
    "each_worker_cpu_us_per_tx": "EACH WORKER",
    "cores_used": "CORES USED",
}


def ascending(text: str, option: str, least: int) -> list[int]:
    """Numbers with commas between them, in the order of their size."""
    numbers = set()
    for word in text.split(","):
        if not word.strip().isdecimal() or int(word) < least:
            raise typer.BadParameter(
                f"{word.strip() or text!r} is no whole number from {least} on, like those in 1,2,4",
                param_hint=option,
            )
        numbers.add(int(word))
    return sorted(numbers)


@growth.command()
def state(
    customers: Annotated[
        str,
        typer.Option(
            help="How many there are, with commas; each has a month of history and more. Lengths are "
            "compared with the fewest, rows in the ledger with the most, 100,000 at most."
        ),
    ] = "5000,1000000",
    ledger_rows: Annotated[
        str, typer.Option(help="How many rows are put into the ledger before, with commas.")
    ] = "0,1000000",
    parts: Annotated[str, typer.Option(help="What is measured: some of these.")] = ",".join(PARTS),
    transactions: Transactions = 100_000,
    runs: Annotated[int, typer.Option(min=1, max=20, help="Of each kind; medians are told.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="Each turn beside a hot terminal.")] = 10,
    json: Json = False,
) -> None:
    """Compare what a transaction costs with few and many customers, with short and long histories, and with
    few and many rows in the ledger; and what a terminal that a tenth of all transactions are at does to the
    others.

    Histories are written to Redis as a stream of years leaves them: for a million customers and their two
    million terminals that takes three minutes, and 6 GB of memory. All parts take about a quarter of an hour.

    [bold]Examples[/]

      fraudml bench state --parts customers
      fraudml bench state --parts customers,hot --customers 5000,100000 --json
      fraudml bench state --parts ledger --ledger-rows 0,1000000,10000000
    """
    chosen = _parts(parts)
    sizes, rows = ascending(customers, "--customers", 1000), ascending(ledger_rows, "--ledger-rows", 0)
    from deploy.jobs.bench_state import Plan, bench_state

    plan = Plan(chosen, sizes, rows, transactions, runs, seconds)
    found = measured(lambda report: bench_state(plan, report))
    if json:
        print_json(found)
    else:
        _print_state(found)


@growth.command()
def scale(
    workers: Annotated[str, typer.Option(help="How many there are, with commas.")] = "1,2,4",
    transactions: Transactions = 100_000,
    runs: Annotated[int, typer.Option(min=1, max=20, help="Of each number; medians are told.")] = 3,
    json: Json = False,
) -> None:
    """Work off the same backlog with one worker process and with several, by turns; about five minutes.

    Each has its share of the partitions before any begins. More workers than cores are no faster: stores and
    workers share these, and how many there are is told.

    [bold]Examples[/]

      fraudml bench scale
      fraudml bench scale --workers 1,2 --runs 5 --json
    """
    counts = ascending(workers, "--workers", 1)
    from deploy.jobs.bench_scale import bench_scale

    found = measured(lambda report: bench_scale(counts, runs, transactions, report))
    if json:
        print_json(found)
    else:
        _print_rows(found["workers"], BY_WORKERS)
        _print_pairs({"partitions": found["partitions"]})
        print_machine(found["machine"])


def _parts(text: str) -> list[str]:
    chosen = text.split(",")
    for word in chosen:
        if word not in PARTS:
            raise typer.BadParameter(f"{word!r} is none of {', '.join(PARTS)}", param_hint="--parts")
    return chosen


def _print_state(found: dict[str, Any]) -> None:
    for name, columns in (("customers", BY_CUSTOMERS), ("lengths", BY_LENGTH), ("ledger", BY_ROWS)):
        if name in found:
            _print_rows(found[name], columns)
    pairs = {name: value for name, value in found.items() if not isinstance(value, dict | list)}
    by_month = found.get("redis_bytes_per_customer_by_month", {})
    pairs |= {f"redis_bytes_of_a_month_{name}": value for name, value in by_month.items()}
    _print_pairs({**pairs, **found.get("hot_terminal", {})})
    print_machine(found["machine"])


def _print_rows(rows: Sequence[dict[str, Any]], columns: dict[str, str]) -> None:
    cells = [tuple(_cell(row[name]) for name in columns) for row in rows]
    print_table(tuple(columns.values()), cells, {})


def _print_pairs(pairs: dict[str, Any]) -> None:
    print_table(("FIGURE", "VALUE"), [(name, _cell(value)) for name, value in pairs.items()], {})


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_cell(each) for each in value)
    return figure(value)
