"""doctor: what is wrong here, and what to do about it."""

from dataclasses import asdict
from typing import Annotated

import typer

from deploy.cli.terminal import CHECK_FAILED, print_json, print_table, say

STYLES = {"OK": "green", "WARN": "yellow", "FAIL": "bold red"}


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check this machine and the stores; exits with 4 when something must be done.

    [bold]Examples[/]

      fraudml doctor
      fraudml doctor --json
    """
    from deploy.doctor.checkup import checkup
    from streams.settings import read_settings

    findings = checkup(read_settings())
    if json:
        print_json([asdict(finding) for finding in findings])
    else:
        rows = [(finding.level, finding.check, finding.detail, finding.fix) for finding in findings]
        print_table(("", "CHECK", "FOUND", "FIX"), rows, STYLES)
    if failed := [finding.check for finding in findings if finding.level == "FAIL"]:
        say(f"{len(failed)} failed: {', '.join(failed)}")
        raise typer.Exit(CHECK_FAILED)
