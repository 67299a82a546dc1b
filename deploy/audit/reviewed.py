"""What tools find and somebody has looked at: each with its reason, in reviewed.toml.

What is new fails, and so does a review of what is not there any more.
"""

import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from deploy.audit.verdict import FOUND, OK, Verdict

REVIEWED = Path(__file__).with_name("reviewed.toml")


class Finding(NamedTuple):
    """rule: the tool's name of it. digest: of what was found there, where that is a secret."""

    rule: str
    path: str
    line: int
    what: str
    digest: str = ""

    def __str__(self) -> str:
        digest = f" [{self.digest}]" if self.digest else ""
        return f"{self.path}:{self.line}: {self.rule} {self.what}{digest}"


def reviews() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(REVIEWED.read_text())


def judged(tool: str, findings: Sequence[Finding], reviews: Sequence[Mapping[str, Any]]) -> Verdict:
    """
    Args:
        reviews: each is of the `paths` (`*` is any part of one) and the `rule`, if it has one, and of as many
            as it has `found`, or of those with its `digests`.
    """
    new = [finding for finding in findings if not any(_covers(each, finding) for each in reviews)]
    lines = [str(finding) for finding in new]
    for each in reviews:
        lines += _amiss(each, [finding for finding in findings if _covers(each, finding)])
    told = f"{tool}: {len(findings) - len(new)} findings were reviewed, {len(new)} were not"
    return Verdict([*lines, told], FOUND if lines else OK)


def _covers(review: Mapping[str, Any], finding: Finding) -> bool:
    return (
        fnmatch(finding.path, review["paths"])
        and review.get("rule", finding.rule) == finding.rule
        and ("digests" not in review or finding.digest in review["digests"])
    )


def _amiss(review: Mapping[str, Any], covered: Sequence[Finding]) -> list[str]:
    """What the review says and is not so; where more are there than were looked at, all of them are named."""
    name = f"reviewed.toml: {review.get('rule', 'what was found')} in {review['paths']}"
    if "digests" in review:
        gone = sorted({*review["digests"]} - {finding.digest for finding in covered})
        return [f"{name}: {digest} is not there any more: take it out" for digest in gone]
    wanted = review.get("found")
    if wanted is None:
        return [] if covered else [f"{name}: nothing is there any more: take it out"]
    if len(covered) == wanted:
        return []
    there = [str(finding) for finding in covered] if len(covered) > wanted else []
    return [*there, f"{name}: {wanted} were reviewed, {len(covered)} are there: look, and write the number"]
