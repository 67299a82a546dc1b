"""No locked package is below its floor; an audit that asked nobody is never green."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version

from deploy.audit.dependencies import FAILED, FOUND, OK, locked, verdict

ROOT = Path(__file__).resolve().parents[2]
LOCKS = [ROOT / "requirements.lock", ROOT / "deploy" / "audit" / "tools.lock"]
FLOORS = tomllib.loads((ROOT / "deploy" / "audit" / "floors.toml").read_text())


@pytest.mark.parametrize("name", FLOORS)
def test_no_lock_has_a_version_below_the_floor(name: str) -> None:
    found = [locked(lock.read_text()) for lock in LOCKS]
    versions = [Version(each[name]) for each in found if name in each]
    assert all(version >= Version(FLOORS[name]["floor"]) for version in versions)


def test_floors_are_of_packages_that_are_locked() -> None:
    names = {name for lock in LOCKS for name in locked(lock.read_text())}
    assert set(FLOORS) <= names


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_locked_package_has_hashes_and_no_lock_names_an_index(lock: Path) -> None:
    text = lock.read_text()
    blocks = [block for block in text.split("\n") if "==" in block and not block.startswith("#")]
    assert len(blocks) == len(locked(text))
    assert all(block.rstrip().endswith("\\") for block in blocks)
    assert "://" not in text


def told(*packages: Any) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


CLEAN = {"name": "a", "version": "1", "vulns": []}
HOLED = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "nobody knows it"}


def test_all_packages_asked_about_and_nothing_known() -> None:
    assert verdict(0, told(CLEAN), "", 1, False) == (["audited 1 of 1: 0 known vulnerabilities"], OK)


def test_what_is_known_is_named_and_fails() -> None:
    lines, code = verdict(1, told(CLEAN, HOLED), "", 2, True)
    assert lines == ["b 2: CVE-1, fixed in 3", "audited 2 of 2: 1 known vulnerabilities"]
    assert code == FOUND


def test_a_package_that_was_skipped_is_not_green() -> None:
    lines, code = verdict(0, told(CLEAN, SKIPPED), "", 2, True)
    assert (lines, code) == (["audited 1 of 2: 0 known vulnerabilities"], FAILED)


@pytest.mark.parametrize(("may", "code"), [(False, FAILED), (True, OK)])
def test_who_asked_nobody_says_so_and_fails_unless_told_otherwise(may: bool, code: int) -> None:
    lines, ended = verdict(1, "", "warning: x\nERROR: no service\n", 5, may)
    assert (lines, ended) == (["not audited: ERROR: no service"], code)


def test_no_words_at_all_are_no_audit_either() -> None:
    assert verdict(0, "", "", 5, False) == (["not audited: it ended with 0"], FAILED)
