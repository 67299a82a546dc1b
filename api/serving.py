"""A gateway process, as its server starts it."""

import sys
import time
from importlib.metadata import version

from fastapi import FastAPI

from api.app import build_app
from api.parts import Gateway
from api.request_lines import RequestLines
from api.request_log import structured
from streams.logs import set_up_logs
from streams.roles import acting_as
from streams.settings import read_settings

# The event loop and the sweep's thread hand the interpreter to each other several times for each answer.
SWITCH_S = 0.0005


def create() -> FastAPI:
    """For `uvicorn --factory`; settings come from the environment."""
    settings = acting_as(read_settings(), "gateway")
    sys.setswitchinterval(SWITCH_S)
    set_up_logs(settings.log_level)
    # A person at a terminal reads words, and who wants warnings alone gets none of these.
    in_json = settings.log_level in ("debug", "info") and not sys.stderr.isatty()
    return build_app(
        Gateway(settings),
        now_ms=lambda: time.time_ns() // 1_000_000,
        version=version("fraudml"),
        write=RequestLines() if in_json else structured,
    )
