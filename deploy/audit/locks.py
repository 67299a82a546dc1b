"""The locked packages, and the floors below which none may fall."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from deploy.audit.verdict import FOUND, OK, Verdict

ROOT = Path(__file__).resolve().parents[2]
FLOORS = Path(__file__).with_name("floors.toml")
LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", re.MULTILINE)
# The images' locks and the installer's hold parts of the first.
ALL_PACKAGES = ("requirements.lock", "deploy/audit/tools.lock", "tests/deploy/validate.lock")


def all_locks(root: Path = ROOT) -> list[Path]:
    """Of what runs here and in the images, and of the tools beside it."""
    return [*sorted(root.glob("*.lock")), *(root / name for name in ALL_PACKAGES[1:])]


def locked(text: str) -> dict[str, str]:
    """Versions by the names of packages, as a lock has them."""
    return {name.lower().replace("_", "-"): version for name, version in LOCKED.findall(text)}


def floors() -> dict[str, Any]:
    return tomllib.loads(FLOORS.read_text())


def above_floors(versions: Mapping[str, Mapping[str, str]], floors: Mapping[str, Any]) -> Verdict:
    """versions: of packages, by the locks that have them."""
    below = [
        f"{lock}: {name} {found[name]} is below {floor['floor']}: {floor['why']}"
        for lock, found in versions.items()
        for name, floor in floors.items()
        if name in found and Version(found[name]) < Version(floor["floor"])
    ]
    told = f"floors: {len(floors)} held against {len(versions)} locks: {len(below)} below"
    return Verdict([*below, told], FOUND if below else OK)


def floors_hold() -> Verdict:
    versions = {lock.name: locked(lock.read_text()) for lock in all_locks()}
    return above_floors(versions, floors())
