"""The commands of `fraudml`, put together.

To add one: write a function in the file of its noun and name it in PANELS. What is heavy to import (anything
but typer, rich and the standard library) is imported inside the function, so that `--help` stays quick.
"""

import logging
import signal
from collections.abc import Callable
from typing import Annotated, Any

import typer

from deploy.cli import (
    ab,
    access,
    archive,
    audit,
    backup,
    bench,
    bootstrap,
    chaos,
    checks,
    config,
    decisions,
    demo,
    dlq,
    doctor,
    files,
    gateway,
    keys,
    learn,
    models,
    monitor,
    policy,
    rebuild,
    simulate,
    stack,
    tune,
    users,
    worker,
)
from deploy.cli.terminal import FraudmlGroup
from streams.logs import set_up_logs

Command = Callable[..., Any]

PREPARING = (checks.migrate, access.access, bootstrap.bootstrap, bootstrap.mlflow, rebuild.rebuild)
# Commands by the panel of the help they appear in, in the order they appear.
PANELS: dict[str, tuple[Command, ...]] = {
    "Stack": (demo.demo, stack.up, stack.down, stack.status, stack.logs),
    "Run": (worker.worker, gateway.gateway, monitor.monitor, *PREPARING),
    "Keep": (backup.backup, backup.verify, backup.restore),
    "Decide": (decisions.score, decisions.alerts),
    "Files": (files.generate, files.replay, files.features),
    "Learn": (learn.train, learn.evaluate, tune.tune),
    "Look": (checks.reconcile, simulate.simulate, chaos.chaos, doctor.doctor, config.config),
}
# Nouns with commands of their own: name, panel, app.
GROUPS: tuple[tuple[str, str, typer.Typer], ...] = (
    ("archive", "Keep", archive.archive),
    ("decisions", "Decide", decisions.decisions),
    ("export", "Files", decisions.export),
    ("models", "Learn", models.models),
    ("policy", "Learn", policy.policy),
    ("ab", "Learn", ab.ab),
    ("keys", "Access", keys.keys),
    ("users", "Access", users.users),
    ("audit", "Access", audit.audit),
    ("dlq", "Look", dlq.dlq),
    ("bench", "Look", bench.bench),
)


def build() -> typer.Typer:
    app = typer.Typer(
        cls=FraudmlGroup,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for panel, commands in PANELS.items():
        for command in commands:
            app.command(rich_help_panel=panel)(command)
    for name, panel, group in GROUPS:
        app.add_typer(group, name=name, rich_help_panel=panel)
    return app


def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Fraud scoring on Kafka: every transaction decided once, whatever dies.

    Data goes to stdout, words to stderr.
    Exit codes: 0 ok, 1 failed, 2 usage, 3 not running, 4 check failed, 130 interrupted.

    [bold]Examples[/]

      fraudml up
      fraudml status --json
      fraudml doctor
    """
    # What Kafka's client has to say is no error of the command; ours say what matters.
    kafka = logging.getLogger("kafka")
    kafka.propagate = debug
    kafka.addHandler(logging.NullHandler())


app = build()


def main() -> None:
    # Told to end, by a time-out or a closed terminal: stop what was begun, as after Ctrl-C.
    for signal_number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signal_number, signal.default_int_handler)
    set_up_logs("warning")
    app(prog_name="fraudml")


if __name__ == "__main__":
    main()
