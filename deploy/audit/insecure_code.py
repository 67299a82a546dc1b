"""Bandit over what runs: patterns of Python that have been holes elsewhere."""

import json
from pathlib import Path

from deploy.audit.reviewed import Finding
from deploy.audit.tool_output import Unsure, output_of

ROOMS = ("models", "streams", "api", "dashboard", "deploy", "load")


def insecure_code(tools: Path, root: Path) -> list[Finding]:
    """
    Raises:
        Unsure: the tool did not read everything.
    """
    command = [str(tools / "bandit"), "--quiet", "--recursive", "--format", "json", "--exit-zero", *ROOMS]
    return findings_in(output_of(command, root))


def findings_in(told: str) -> list[Finding]:
    found = json.loads(told)
    for each in found["errors"]:
        raise Unsure(f"bandit cannot read {each['filename']}: {each['reason']}")
    return [
        Finding(each["test_id"], each["filename"], each["line_number"], each["issue_text"])
        for each in found["results"]
    ]
