"""demo: the main job, on the embedded stack, in one command."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deploy.cli.stack import (
    Gateway,
    Monitor,
    Reconciler,
    chosen_companions,
    key_file,
    monitor_words,
    workers_to_run,
)
from deploy.cli.terminal import print_table, reporting

if TYPE_CHECKING:
    from deploy.jobs.demo import Shown
    from deploy.stack.stack import Stack
    from deploy.stack.status import PartStatus

COLUMNS = ("TRANSACTION", "CUSTOMER", "AMOUNT", "SCORE", "DECISION", "VARIANT")
ASKED = {
    "transaction_id": "ask-1",
    "customer_id": "demo-c1",
    "terminal_id": "demo-t1",
    "amount_minor": 90_000,
    "currency": "EUR",
    "event_time": "2018-06-21T12:00:00Z",
}
VERDICT_STYLES = {"review": "yellow", "decline": "red", "approve": "green"}


def demo(
    gateway: Gateway = True,
    reconciler: Reconciler = True,
    monitor: Monitor = True,
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
        companions = chosen_companions(gateway, reconciler, monitor)
        started = stack.up(workers=workers_to_run(None, stack.status()), companions=companions)
        report.note(f"stack: {'started' if started else 'was up already'}")
        found = stack.status()
        url = next((part.address for part in found if part.part == "gateway" and part.runs), None)
        shown = run_demo(stack.settings, report, url)
    _show(shown)
    _show_addresses(found)
    for part in found:
        if part.part == "monitor" and part.runs:
            typer.echo(f"\n{monitor_words(part.address, stack.home)}")
    _show_next(_asking(url, stack) if url else "")


def _show(shown: "Shown") -> None:
    import msgspec

    replay, caught, latency = shown.replay, shown.caught, shown.latency
    typer.echo("\nFirst decisions")
    print_table(COLUMNS, [_row(msgspec.to_builtins(each)) for each in shown.decisions], VERDICT_STYLES)
    typer.echo("\nFirst alerts")
    print_table(COLUMNS, [_row(each) for each in shown.alerts], VERDICT_STYLES)
    share = caught.frauds_flagged / max(1, caught.frauds)
    asked = shown.answered
    rest = (
        f"\nGateway     {asked.decision.transaction_id}: {asked.decision.decision}, score "
        f"{asked.decision.score:.3f}, after {asked.took_ms:.1f} ms over HTTP"
        if asked
        else ""
    )
    typer.echo(
        f"\nFrauds      {caught.frauds_flagged:,} of {caught.frauds:,} caught ({share:.0%}) by "
        f"{caught.flagged:,} reviews and declines, among\n            {caught.transactions:,} transactions "
        f"that no model was trained on"
        f"\nAlerts      {shown.alert_count:,} in this run"
        f"\nThroughput  {replay['tx_per_s']:,.0f} tx/s: {replay['transactions']:,} transactions and "
        f"{replay['labels']:,} labels decided and applied in {replay['seconds']:.1f} s"
        f"\nLatency     p50 {latency.p50_ms:.1f} ms, p99 {latency.p99_ms:.1f} ms from produce to committed "
        f"decision, live at {latency.rate:,.0f} tx/s"
        f"{rest}"
    )


def _row(decided: dict[str, Any]) -> tuple[str, ...]:
    amount = f"{decided['amount_minor'] / 100:,.2f} {decided['currency']}"
    names = (decided["transaction_id"], decided["customer_id"], amount, f"{decided['score']:.3f}")
    return (*names, decided["decision"], decided["variant"])


def _show_addresses(found: "list[PartStatus]") -> None:
    typer.echo("\nThe stack is left running")
    for part in found:
        typer.echo(f"  {part.part:<10}  {_url(part)}")


def _show_next(asking: str) -> None:
    commands = (f"{_program()} {words}" for words in ("alerts --follow", "decisions get demo-0", "reconcile"))
    typer.echo("\nNext\n" + "\n".join(f"  {each}" for each in (*commands, asking) if each))


def _asking(url: str, stack: "Stack") -> str:
    """A line for a shell that asks the gateway; the key goes through a pipe, as all may see arguments."""
    header = f"sed 's/^/X-API-Key: /' {shlex.quote(_from_here(key_file(stack.home)))}"
    if stack.settings.api_key.get_secret_value():
        header = 'printf "X-API-Key: %s" "$API_KEY"'
    asked = json.dumps(ASKED, separators=(",", ":"))
    return f"{header} | curl -s -H @- -H 'Content-Type: application/json' {url}/v1/score -d '{asked}'"


def _url(part: "PartStatus") -> str:
    return part.address if "://" in part.address else part.metrics_url or part.address


def _program() -> str:
    """How to call us again from here."""
    found = Path(sys.argv[0]).absolute()
    return "fraudml" if shutil.which("fraudml") or not _is_below(found) else _from_here(found)


def _from_here(path: Path) -> str:
    return str(path.relative_to(Path.cwd()) if _is_below(path) else path)


def _is_below(path: Path) -> bool:
    return path.is_relative_to(Path.cwd())
