"""What a check says."""

from dataclasses import dataclass
from enum import StrEnum

from models.errors import FraudError


class Level(StrEnum):
    OK = "OK"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    check: str
    level: Level
    detail: str
    fix: str = ""


def ok(check: str, detail: str) -> Finding:
    return Finding(check, Level.OK, detail)


def warn(check: str, detail: str, fix: str = "") -> Finding:
    return Finding(check, Level.WARN, detail, fix)


def fail(check: str, detail: str, fix: str = "") -> Finding:
    return Finding(check, Level.FAIL, detail, fix)


def failed_with(check: str, error: FraudError, fix: str = "") -> Finding:
    detail = ". ".join(part for part in (error.what, error.why) if part)
    return fail(check, detail, error.next_step or fix)
