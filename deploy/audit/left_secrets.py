"""detect-secrets over every file of the repository: what looks like a key, a token or a password."""

import json
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from deploy.audit.reviewed import Finding
from deploy.audit.tool_output import output_of

# Of a finding's SHA-1: enough to tell one from another.
DIGEST_CHARACTERS = 10


def left_secrets(tools: Path, root: Path, unread: Sequence[str]) -> list[Finding]:
    """unread: patterns of paths. Nothing is sent anywhere to see whether it opens something.

    Raises:
        Unsure: git does not tell the files, or the tool did not do its work.
    """
    names = output_of(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], root)
    files = [
        name
        for name in names.split("\0")
        if (root / name).is_file() and not any(fnmatch(name, pattern) for pattern in unread)
    ]
    command = [str(tools / "detect-secrets"), "--cores", str(os.cpu_count() or 1), "scan", "--no-verify"]
    return list(findings_in(output_of([*command, "--all-files", *files], root)))


def findings_in(told: str) -> Iterator[Finding]:
    for path, found in sorted(json.loads(told)["results"].items()):
        for each in found:
            digest = each["hashed_secret"][:DIGEST_CHARACTERS]
            yield Finding(each["type"], path, each["line_number"], "", digest)
