"""demo: the main job, on the embedded stack, in one command."""

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.stack import Reconciler, workers_to_run
from deploy.cli.terminal import print_table, reporting

if TYPE_CHECKING:
    from deploy.jobs.demo import Shown
    from deploy.stack.stack import Stack
    from deploy.stack.status import PartStatus

COLUMNS = ("TRANSACTION", "CUSTOMER", "AMOUNT", "SCORE", "DECISION", "VARIANT")
VERDICT_STYLES = {"review": "yellow", "decline": "red", "approve": "green"}


def demo(
    reconciler: Reconciler = True,
    user: Annotated[str, typer.Option(help="Whom to run the stack as, when started as root.")] = "nobody",
) -> None:
    """Run the main job here: start the stack, train, replay simulated payments, and show what came of it.

    A second run goes on where the first one ended. The stack is left running.

    [bold]Examples[/]

      fraudml demo
      fraudml alerts --follow
    """
    from deploy.jobs.demo import run_demo
    from deploy.origins import refuse_external_servers
    from deploy.stack.stack import Stack
    from streams.settings import home_folder

    refuse_external_servers("the demo")
    with reporting() as report:
        stack = Stack(home_folder(), report=report, user=user)
        started = stack.up(workers=workers_to_run(None, stack.status()), reconciler=reconciler)
        report.note(f"stack: {'started' if started else 'was up already'}")
        shown = run_demo(stack.settings, report)
    _show(shown)
    _show_addresses(stack)


def _show(shown: "Shown") -> None:
    import msgspec

    replay, caught, latency = shown.replay, shown.caught, shown.latency
    typer.echo("\nFirst decisions")
    print_table(COLUMNS, [_row(msgspec.to_builtins(each)) for each in shown.decisions], VERDICT_STYLES)
    typer.echo("\nFirst alerts")
    print_table(COLUMNS, [_row(each) for each in shown.alerts], VERDICT_STYLES)
    share = caught.frauds_flagged / max(1, caught.frauds)
    typer.echo(
        f"\nFrauds      {caught.frauds_flagged:,} of {caught.frauds:,} caught ({share:.0%}) by "
        f"{caught.flagged:,} reviews and declines, among\n            {caught.transactions:,} transactions "
        f"that no model was trained on"
        f"\nAlerts      {shown.alert_count:,} in this run"
        f"\nThroughput  {replay['tx_per_s']:,.0f} tx/s: {replay['transactions']:,} transactions and "
        f"{replay['labels']:,} labels decided and applied in {replay['seconds']:.1f} s"
        f"\nLatency     p50 {latency.p50_ms:.1f} ms, p99 {latency.p99_ms:.1f} ms from produce to committed "
        f"decision, live at {latency.rate:,.0f} tx/s"
    )


def _row(decided: dict[str, Any]) -> tuple[str, ...]:
    amount = f"{decided['amount_minor'] / 100:,.2f} {decided['currency']}"
    names = (decided["transaction_id"], decided["customer_id"], amount, f"{decided['score']:.3f}")
    return (*names, decided["decision"], decided["variant"])


def _show_addresses(stack: "Stack") -> None:
    typer.echo("\nThe stack is left running")
    for part in stack.status():
        typer.echo(f"  {part.part:<10}  {_url(part)}")
    transaction_id = "demo-0"
    typer.echo(
        f"\nNext\n  {_program()} alerts --follow\n  {_program()} decisions get {transaction_id}"
        f"\n  {_program()} reconcile"
    )


def _url(part: "PartStatus") -> str:
    return part.metrics_url or part.address


def _program() -> str:
    """How to call us again from here."""
    found = Path(sys.argv[0]).absolute()
    if shutil.which("fraudml") or not found.is_relative_to(Path.cwd()):
        return "fraudml"
    return str(found.relative_to(Path.cwd()))
