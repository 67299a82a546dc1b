"""A stack's folder and site, without a stack: nothing here opens a socket."""

from pathlib import Path

import pytest

from deploy.stack.account import ourselves
from deploy.stack.home import FOLDERS, Home
from deploy.stack.part import Site
from deploy.stack.report import Report
from streams.settings import Settings

PORTS = {
    "kafka": 15001,
    "kafka-controller": 15002,
    "valkey": 15003,
    "postgres": 15004,
    "mlflow": 15005,
    "worker-0": 15006,
    "gateway": 15007,
    "reconciler": 15008,
    "monitor": 15009,
    "monitor-metrics": 15010,
}


@pytest.fixture(autouse=True)
def no_sockets(socket_disabled: None) -> None:
    """Unit tests reach nobody."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
    return Home(tmp_path, ourselves())


@pytest.fixture
def settings(home: Home) -> Settings:
    """The defaults, whatever is set on this machine."""
    return Settings.model_construct(home=home.root)


@pytest.fixture
def site(home: Home, settings: Settings) -> Site:
    return Site(home, PORTS, settings, Report())
