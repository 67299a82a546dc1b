"""No locked package is below its floor; an audit that asked nobody is never green."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.audit.components import for_linux
from deploy.audit.dependencies import MARKER, verdict
from deploy.audit.locks import above_floors, all_locks, floors, floors_hold, locked
from deploy.audit.verdict import FAILED, FOUND, OK

LOCKS = all_locks()
HASH = "    --hash=sha256:00"


def test_no_lock_has_a_version_below_the_floor() -> None:
    assert floors_hold().code == OK, floors_hold().lines


def test_a_version_below_the_floor_is_named_with_its_lock_and_fails() -> None:
    wanted = {"a": {"floor": "2.10", "why": "a hole"}}
    lines, code = above_floors({"x.lock": {"a": "2.9"}, "y.lock": {"a": "2.10", "b": "1"}}, wanted)
    assert lines[0] == "x.lock: a 2.9 is below 2.10: a hole"
    assert code == FOUND


def test_every_lock_of_the_repository_is_held_against_the_floors() -> None:
    names = {lock.name for lock in LOCKS}
    assert names == {
        "requirements.lock",
        "requirements-system.lock",
        "requirements-dashboard.lock",
        "requirements-mlflow.lock",
        "installer.lock",
        "tools.lock",
        "validate.lock",
    }


def test_floors_are_of_packages_that_are_locked() -> None:
    names = {name for lock in LOCKS for name in locked(lock.read_text())}
    assert set(floors()) <= names


def test_packages_for_other_systems_are_asked_about_too() -> None:
    lock = f"a==1 ; sys_platform == 'win32' \\\n{HASH}\nb==2 \\\n{HASH}\n"
    assert MARKER.sub(r"\1 ", lock) == f"a==1 \\\n{HASH}\nb==2 \\\n{HASH}\n"


def test_an_image_is_not_said_to_hold_what_is_for_other_systems() -> None:
    lock = f"a==1 ; sys_platform == 'win32' \\\n{HASH}\nb==2 ; sys_platform != 'win32' \\\n{HASH}\n"
    assert for_linux(lock) == f"b==2 ; sys_platform != 'win32' \\\n{HASH}\n"


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


@pytest.mark.parametrize(("may", "code"), [(False, FAILED), (True, OK)])
def test_a_service_that_knows_no_package_at_all_is_none(may: bool, code: int) -> None:
    lines, ended = verdict(0, told(SKIPPED, SKIPPED), "", 2, may)
    assert lines == ["not audited: the service knows none of 2 packages (nobody knows it)"]
    assert ended == code


def test_no_words_at_all_are_no_audit_either() -> None:
    assert verdict(0, "", "", 5, False) == (["not audited: it ended with 0"], FAILED)
