"""Servers and tools that come as Python packages of the `embedded` extra."""

import importlib.util
from pathlib import Path

from deploy.stack.errors import StackError


def folder_of(package: str, what: str) -> Path:
    """Where a package lies, found without importing it.

    Raises:
        StackError: it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StackError(
            f"{what} is not installed", why=f"there is no package {package}", next_step="make setup"
        )
    return Path(spec.submodule_search_locations[0])
