"""Run the worker under Faust's own runner, with our logs."""

import sys

import faust

from streams.logs import set_up_logs
from streams.settings import read_settings

# Lanes, the poller and the event loop hand the interpreter to each other: at Python's own 5 ms a lane whose
# store has answered waits longer for its turn than it has waited for the store.
SWITCH_S = 0.0005


def run_worker() -> None:
    """Until SIGTERM or SIGINT; ends the process."""
    settings = read_settings()
    sys.setswitchinterval(SWITCH_S)
    set_up_logs(settings.log_level)
    # Faust makes its own folder there, and nothing above it.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    from streams.worker import app

    worker = faust.Worker(
        app, loglevel=settings.log_level, override_logging=False, redirect_stdouts=False, quiet=True
    )
    worker.spinner = None  # it writes the terminal's codes between the lines of a log
    worker.execute_from_commandline()
