"""up, down, status, logs: the embedded stack."""

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.terminal import NOT_RUNNING, print_json, print_table, reporting, say

if TYPE_CHECKING:
    from deploy.stack.report import Report
    from deploy.stack.stack import Stack
    from deploy.stack.status import PartStatus

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
STATE_STYLES = {
    "running": "green",
    "starting": "yellow",
    "backoff": "yellow",
    "fatal": "red",
    "unsupervised": "red",
}
UNSUPERVISED = "unsupervised"
READY = {True: "yes", False: "no", None: "-"}
# The names of deploy/stack/parts.py, which is heavy to import; a test compares the two.
Service = StrEnum("Service", ["kafka", "valkey", "postgres", "mlflow"])
Only = Annotated[
    list[Service] | None,
    typer.Option(metavar="SERVICE", help="Start only this: kafka, valkey, postgres or mlflow; repeatable."),
]
Reconciler = Annotated[
    bool, typer.Option("--reconciler/--no-reconciler", help="Run the background check beside the workers.")
]
Gateway = Annotated[bool, typer.Option("--gateway/--no-gateway", help="Run the gateway beside the workers.")]
Monitor = Annotated[
    bool, typer.Option("--monitor/--no-monitor", help="Run the monitor beside the gateway that it asks.")
]
NEXT = ("fraudml status", "fraudml logs --follow", "fraudml down")


def up(
    workers: Annotated[
        int | None,
        typer.Option(min=0, max=64, help="How many workers; at first 1, then as many as there are."),
    ] = None,
    only: Only = None,
    gateway: Gateway = True,
    reconciler: Reconciler = True,
    monitor: Monitor = True,
    user: Annotated[str, typer.Option(help="Whom to run as, when started as root.")] = "nobody",
) -> None:
    """Start Kafka, Valkey, Postgres, MLflow and workers here, and wait until they are ready.

    Beside the workers run the gateway (FRAUDML_GATEWAY_PORT, FRAUDML_GATEWAY_PROCESSES), the monitor
    (FRAUDML_MONITOR_PORT) and the background check of `fraudml reconcile --every`.
    What runs already is left as it is; spare workers are stopped.
    A store whose address you set yourself (environment, .env) is not started.
    Data stays in the home folder: FRAUDML_HOME, or .fraudml in the checkout.

    [bold]Examples[/]

      fraudml up
      fraudml up --workers 3
      fraudml up --workers 0 --only kafka --only postgres
    """
    from deploy.cli.own_stores import to_start
    from deploy.jobs.asking_gateway import wait_until_ready
    from streams.models_in_force import all_registered

    with reporting() as report:
        stack = _stack(report, user)
        slots = workers_to_run(workers, stack.status())
        companions = chosen_companions(gateway, reconciler, monitor)
        started = stack.up(to_start(only, report.note), slots, companions=companions)
        running = {part.part: part for part in stack.status() if part.runs}
        has_worker = any(part.is_worker for part in running.values())
        waits = has_worker and "mlflow" in running and not all_registered(stack.settings)
        if "gateway" in started and not waits:
            report.waiting("waiting for the gateway to have what it decides with")
            wait_until_ready(running["gateway"].address)
    say("the stack is up" if started else "the stack is up already; nothing to start")
    _show(stack.status(readiness=True))
    if "gateway" in running:
        key = "API_KEY" if stack.settings.api_key.get_secret_value() else f"the one in {key_file(stack.home)}"
        say(f"the gateway answers at {running['gateway'].address}; keys: {key}, or fraudml keys create")
    if "monitor" in running:
        say(monitor_words(running["monitor"].address, stack.home))
    if not has_worker:
        say("no worker runs. Next: fraudml up --workers 1")
    elif waits:
        say(
            "workers wait for models: none is registered yet. Next: fraudml demo, or fraudml train --register"
        )
    say("Next: " + ", ".join(NEXT))


def down(
    data: Annotated[bool, typer.Option("--data", help="Remove all data, logs and passwords too.")] = False,
) -> None:
    """Stop the embedded stack, workers first; its data stays unless you say --data.

    [bold]Examples[/]

      fraudml down
      fraudml down --data
    """
    with reporting() as report:
        stack = _stack(report)
        ran = stack.down(remove_data=data)
    say("the stack is down" if ran else f"nothing runs in {stack.home}")
    if data:
        say(f"its data is gone from {stack.home}")


def status(json: Json = False) -> None:
    """Show what runs: part, state, pid, address, readiness, uptime, restarts; exits with 3 when nothing does.

    [bold]Examples[/]

      fraudml status
      fraudml status --json
    """
    found = _stack().status(readiness=True)
    if json:
        print_json([asdict(part) for part in found])
    elif found:
        _show(found)
    if not any(part.runs for part in found):
        say("nothing runs. Next: fraudml up")
        raise typer.Exit(NOT_RUNNING)


def logs(
    part: Annotated[
        str | None,
        typer.Argument(
            help="kafka, valkey, postgres, mlflow, worker-0, gateway, reconciler, monitor, supervisor."
        ),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of each log.")] = 20,
) -> None:
    """Print the end of a part's log, or of all logs with the part's name before each line.

    [bold]Examples[/]

      fraudml logs kafka
      fraudml logs worker-0 --follow
      fraudml logs --lines 5
    """
    from deploy.stack.logs import follow as follow_logs
    from deploy.stack.logs import last_lines, log_files
    from streams.settings import home_folder

    files = log_files(home_folder(), part)
    for line in last_lines(files, lines):
        typer.echo(line)
    if follow:
        for line in follow_logs(files):
            typer.echo(line)


def _stack(report: "Report | None" = None, user: str = "nobody") -> "Stack":
    from deploy.stack.stack import Stack
    from streams.settings import home_folder

    return Stack(home_folder(), report=report, user=user)


def workers_to_run(asked: int | None, found: "list[PartStatus]") -> int | None:
    """As many as run in good order; where none does, as many as a killed supervisor has left, or one."""
    workers = [part for part in found if part.is_worker and part.runs]
    if asked is not None or any(part.state != UNSUPERVISED for part in workers):
        return asked
    return max(1, len(workers))


def chosen_companions(gateway: bool, reconciler: bool, monitor: bool) -> list[str]:
    """What is to run beside the workers; a monitor has nobody to ask without a gateway."""
    wanted = {"gateway": gateway, "reconciler": reconciler, "monitor": monitor and gateway}
    return [name for name, chosen in wanted.items() if chosen]


def monitor_words(address: str, home: Path) -> str:
    """Where it is, and who can sign in at first."""
    from deploy.stack.monitor import FIRST_ADMIN, PASSWORD_FILE
    from streams.secret_files import FOLDER

    password = home / FOLDER / PASSWORD_FILE
    shown = password.relative_to(Path.cwd()) if password.is_relative_to(Path.cwd()) else password
    first = f"sign in as {FIRST_ADMIN} with the password in {shown}" if password.exists() else "sign in"
    return f"the monitor is at {address}: {first}; more people: fraudml users create"


def key_file(home: Path) -> Path:
    """Where the key lies that opens everything at the stack's gateway, unless API_KEY is set."""
    from streams.secret_files import API_KEY_FILE, FOLDER

    return home / FOLDER / API_KEY_FILE


def _show(found: "list[PartStatus]") -> None:
    from deploy.stack.durations import in_words

    columns = ("PART", "STATE", "PID", "ADDRESS", "READY", "UP", "RESTARTS", "METRICS")
    rows = [
        (
            part.part,
            part.state,
            str(part.pid or "-"),
            part.address,
            READY[part.ready],
            in_words(part.uptime_s),
            str(part.restarts),
            part.metrics_url or "-",
        )
        for part in found
    ]
    print_table(columns, rows, STATE_STYLES)
