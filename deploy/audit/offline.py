"""What is looked over without a network: floors of dependencies, the code, secrets left in files.

Run by `make audit` and by itself, as `python -m deploy.audit.offline FOLDER_OF_TOOLS`.
"""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from deploy.audit.insecure_code import insecure_code
from deploy.audit.left_secrets import left_secrets
from deploy.audit.locks import ROOT, floors_hold
from deploy.audit.reviewed import Finding, judged, reviews
from deploy.audit.tool_output import Unsure
from deploy.audit.verdict import FAILED, Verdict, worst


def looked_over(name: str, look: Callable[[], Sequence[Finding]], reviewed: Sequence[Any]) -> Verdict:
    try:
        return judged(name, look(), reviewed)
    except Unsure as error:
        return Verdict([f"{name}: not looked over: {error}"], FAILED)


def main(arguments: Sequence[str]) -> int:
    """Everything is looked at, whatever came of the rest."""
    tools, known = Path(arguments[0]).absolute(), reviews()
    unread = [each["paths"] for each in known["unread"]]
    with ThreadPoolExecutor() as beside:
        code = beside.submit(looked_over, "bandit", lambda: insecure_code(tools, ROOT), known["code"])
        left = beside.submit(
            looked_over, "detect-secrets", lambda: left_secrets(tools, ROOT, unread), known["secrets"]
        )
        found = worst([floors_hold(), code.result(), left.result()])
    sys.stdout.write("\n".join(found.lines) + "\n")
    return found.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
