"""What every test stands on: the same examples each time, no unseen warning, sockets for real stores only."""

import pytest
from hypothesis import settings

pytest_plugins = ("tests.stores", "tests.clusters")

settings.register_profile("fraudml", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("fraudml")

REACH_OTHERS = ("stack", "slow")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """As if called with --disable-socket --allow-unix-socket: event loops need the latter."""
    config.option.disable_socket = True
    config.option.allow_unix_socket = True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.get_closest_marker(name) for name in REACH_OTHERS):
            item.add_marker("enable_socket")
