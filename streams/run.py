"""Run the worker under Faust's own runner, with our logs."""

import faust

from streams.logs import set_up_logs
from streams.settings import read_settings


def run_worker() -> None:
    """Until SIGTERM or SIGINT; ends the process."""
    settings = read_settings()
    set_up_logs(settings.log_level)
    # Faust makes its own folder there, and nothing above it.
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    from streams.worker import app

    worker = faust.Worker(
        app, loglevel=settings.log_level, override_logging=False, redirect_stdouts=False, quiet=True
    )
    worker.spinner = None  # it writes the terminal's codes between the lines of a log
    worker.execute_from_commandline()
