"""Ask an advisory service about every locked package. What was not asked is said: silence is never green.

Run by `make audit`, as `python -m deploy.audit.dependencies PIP_AUDIT`.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from tempfile import NamedTemporaryFile

from deploy.audit.locks import ALL_PACKAGES, ROOT, locked
from deploy.audit.verdict import FAILED, FOUND, OK, Verdict, worst

WITHIN_S = 180
SOCKET_S = 5
MAY_BE_OFFLINE = "--may-be-offline"
# For which systems a package is: the tool leaves out what is not for this one.
MARKER = re.compile(r"^(\S+==\S+) ;[^\\\n]*", re.MULTILINE)


def verdict(returned: int, told: str, failed: str, packages: int, may_be_offline: bool) -> Verdict:
    """
    Args:
        returned: the tool's exit code. told: its JSON. failed: what it said on standard error.
        packages: how many are locked.
    """
    try:
        each_one = json.loads(told)["dependencies"]
        asked = [each for each in each_one if "skip_reason" not in each]
    except (ValueError, KeyError, TypeError):
        lines = [line for line in failed.strip().splitlines() if line.strip()]
        return _not_audited(lines[-1] if lines else f"it ended with {returned}", may_be_offline)
    if not asked:
        why = each_one[0]["skip_reason"] if each_one else "it names no package"
        return _not_audited(f"the service knows none of {packages} packages ({why})", may_be_offline)
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


def _not_audited(why: str, may_be_offline: bool) -> Verdict:
    return Verdict([f"not audited: {why}"], OK if may_be_offline else FAILED)


def asked(tool: str, lock: str, may_be_offline: bool) -> Verdict:
    """One lock, as it is for every system."""
    text = (ROOT / lock).read_text()
    with NamedTemporaryFile("w", suffix=".txt") as everywhere:
        everywhere.write(MARKER.sub(r"\1 ", text))
        everywhere.flush()
        returned, told, failed = _answer(tool, everywhere.name)
    found = verdict(returned, told, failed, len(locked(text)), may_be_offline)
    return Verdict([f"{lock}: {line}" for line in found.lines], found.code)


def _answer(tool: str, requirements: str) -> tuple[int, str, str]:
    """Without pip's help: what is asked about is what the lock says."""
    command = [tool, "--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    command += ["--timeout", str(SOCKET_S), "--format", "json", "--requirement", requirements]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return FAILED, "", str(error)
    return done.returncode, done.stdout, done.stderr


def main(arguments: Sequence[str]) -> int:
    """Every lock is asked about, whatever came of the others."""
    (tool,) = [word for word in arguments if not word.startswith("--")]
    found = worst([asked(tool, lock, MAY_BE_OFFLINE in arguments) for lock in ALL_PACKAGES])
    sys.stdout.write("\n".join(found.lines) + "\n")
    return found.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
