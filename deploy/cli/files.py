"""generate, features, replay: what works on files of transactions."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from load.columns import Transactions
    from load.shapes import Shape

from deploy.cli.terminal import print_json, reporting, say

TableFile = Annotated[
    Path, typer.Argument(help="Parquet or CSV (.parquet, .csv, .csv.gz).", show_default=False)
]
Map = Annotated[
    str,
    typer.Option(
        "--map", help="Column map: a TOML file, or handbook, evalml, generated.", show_default=False
    ),
]
Out = Annotated[
    Path, typer.Option("--out", help="File to write: .parquet, .csv or .csv.gz.", show_default=False)
]
DAY_FORMATS = ["%Y-%m-%d"]
Model = StrEnum("Model", ["xgboost", "lightgbm"])
FIRST_DAY = datetime(2018, 4, 1)  # noqa: DTZ001 a day of the calendar, no moment
FirstDay = Annotated[datetime | None, typer.Option("--from", formats=DAY_FORMATS, help="First day, UTC.")]
LastDay = Annotated[datetime | None, typer.Option("--to", formats=DAY_FORMATS, help="Last day, UTC.")]
Rate = Annotated[
    float | None,
    typer.Option(min=0.1, help="Transactions per second, the mean of a shape; none for no limit."),
]
ShapeKind = StrEnum("ShapeKind", ["steady", "ramp", "burst", "diurnal"])
WantedShape = Annotated[
    ShapeKind | None, typer.Option(help="How the rate goes over time; steady if not given.")
]
Period = Annotated[
    float | None, typer.Option(min=1, help="Seconds after which a shape begins anew.  \\[default: 600]")
]
Duplicates = Annotated[float, typer.Option(min=0, max=1, help="Share of records that are sent twice.")]
Shuffle = Annotated[
    int, typer.Option(min=0, help="Most places a record moves; never past another of its customer.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def generate(
    out: Out,
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 5000,
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 30,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same table.")] = 1,
    start: Annotated[datetime, typer.Option(formats=DAY_FORMATS, help="First day, UTC.")] = FIRST_DAY,
    prefix: Annotated[str, typer.Option(help="What transaction ids begin with.")] = "tx",
) -> None:
    """Write labelled transactions of simulated customers and terminals, three kinds of fraud among them.

    [bold]Examples[/]

      fraudml generate --customers 5000 --days 60 --seed 1 --out transactions.parquet
      fraudml generate --days 7 --start 2026-01-01 --out week.csv
    """
    from load.generator import simulate
    from load.parameters import SimulatorParameters
    from load.transactions_file import write_transactions

    tables = simulate(
        SimulatorParameters(customers=customers), seed=seed, days=days, start=start.date(), prefix=prefix
    )
    with reporting() as report, report.counting("generating", days) as progress:
        rows = write_transactions(_counted(tables, progress), out)
    say(f"{rows:,} transactions in {out}. Next: fraudml replay {out} --map generated")


def _counted(tables: "Iterator[Transactions]", progress: Callable[[int], None]) -> "Iterator[Transactions]":
    for table in tables:
        yield table
        progress(1)


def features(file: TableFile, map: Map, out: Out) -> None:
    """Compute the features of every transaction in a file, as workers compute them.

    The file must be complete: what is not in it is not counted. Labels are taken as known after 7 days.

    [bold]Examples[/]

      fraudml features transactions.parquet --map generated --out features.parquet
      fraudml features handbook.parquet --map handbook --out features.parquet
    """
    from load.column_map import read_column_map
    from load.feature_file import write_features
    from load.transactions_file import read_transactions

    with reporting() as report:
        report.waiting(f"reading {file}")
        table = read_transactions(file, read_column_map(map))
        report.waiting(f"computing the features of {len(table):,} transactions")
        write_features(table, out)
    say(f"{len(table):,} rows in {out}")


def replay(
    file: TableFile,
    map: Map,
    first: FirstDay = None,
    last: LastDay = None,
    rate: Rate = None,
    shape: WantedShape = None,
    period: Period = None,
    duplicates: Duplicates = 0,
    shuffle: Shuffle = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of duplicates and shuffling.")] = 1,
    json: Json = False,
) -> None:
    """Send a file's transactions through Kafka, day by virtual day; labels follow a week behind.

    A barrier after each day waits until workers have applied what was sent.

    [bold]Examples[/]

      fraudml replay transactions.parquet --map generated
      fraudml replay handbook.parquet --map handbook --from 2018-04-01 --to 2018-06-30
      fraudml replay week.csv --map generated --duplicates 0.01 --shuffle 100
      fraudml replay week.csv --map generated --shape diurnal --rate 500 --period 300
    """
    from deploy.jobs.replaying import read_days, replay_table
    from load.replay import Disturbance
    from streams.settings import read_settings

    wanted = _shape_of(shape, rate, period)
    with reporting() as report:
        report.waiting(f"reading {file}")
        table = read_days(file, map, first and first.date(), last and last.date())
        with report.counting("replaying", len(table)) as progress:
            sent = replay_table(
                table,
                read_settings(),
                shape=wanted,
                disturbance=Disturbance(shuffle=shuffle, duplicates=duplicates),
                seed=seed,
                progress=progress,
            )
    if json:
        print_json(sent)
    else:
        _say_sent(sent)


def _shape_of(kind: ShapeKind | None, rate: float | None, period_s: float | None) -> "Shape | None":
    from load.shapes import PERIOD_S, Kind, Shape

    if rate is None and kind is not None:
        raise typer.BadParameter(f"--shape {kind} goes with --rate: say how many a second it has on average")
    if period_s is not None and kind in (None, ShapeKind.steady):
        raise typer.BadParameter("--period goes with --shape ramp, burst or diurnal: a steady rate has none")
    if rate is None:
        return None
    return Shape(Kind(kind or Kind.STEADY), rate, period_s or PERIOD_S)


def _say_sent(sent: dict[str, Any]) -> None:
    say(
        f"{sent['transactions']:,} transactions, {sent['duplicates']:,} duplicates and {sent['labels']:,} "
        f"labels of {sent['days']} days, sent and worked off in {sent['seconds']:.1f} s "
        f"({sent['tx_per_s']:,.0f} tx/s)"
    )
