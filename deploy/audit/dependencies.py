"""Ask an advisory service about every locked package. What was not asked is said: silence is never green.

Run by `make audit`, as `python -m deploy.audit.dependencies PIP_AUDIT LOCK`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LOCKED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
WITHIN_S = 300
OK, FAILED, FOUND = 0, 1, 4
MAY_BE_OFFLINE = "--may-be-offline"


class Verdict(NamedTuple):
    """lines: what is told. code: with which it ends."""

    lines: list[str]
    code: int


def locked(text: str) -> dict[str, str]:
    """Versions by the names of packages, as a lock has them."""
    return {name.lower().replace("_", "-"): version for name, version in LOCKED.findall(text)}


def verdict(returned: int, told: str, failed: str, packages: int, may_be_offline: bool) -> Verdict:
    """
    Args:
        returned: the tool's exit code. told: its JSON. failed: what it said on standard error.
        packages: how many are locked.
    """
    try:
        asked = [each for each in json.loads(told)["dependencies"] if "skip_reason" not in each]
    except (ValueError, KeyError, TypeError):
        lines = [line for line in failed.strip().splitlines() if line.strip()] or [
            f"it ended with {returned}"
        ]
        return Verdict([f"not audited: {lines[-1]}"], OK if may_be_offline else FAILED)
    known = [
        f"{each['name']} {each['version']}: {found['id']}, "
        f"fixed in {', '.join(found['fix_versions']) or 'none'}"
        for each in asked
        for found in each.get("vulns", ())
    ]
    lines = [*known, f"audited {len(asked)} of {packages}: {len(known)} known vulnerabilities"]
    if known:
        return Verdict(lines, FOUND)
    return Verdict(lines, OK if len(asked) == packages and returned == 0 else FAILED)


def main(arguments: Sequence[str]) -> int:
    tool, lock = [word for word in arguments if not word.startswith("--")]
    command = [tool, "--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--format", "json", "--requirement", lock]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
        returned, told, failed = done.returncode, done.stdout, done.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        returned, told, failed = FAILED, "", str(error)
    packages = len(locked(Path(lock).read_text()))
    found = verdict(returned, told, failed, packages, MAY_BE_OFFLINE in arguments)
    sys.stdout.write("\n".join(found.lines) + "\n")
    return found.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
