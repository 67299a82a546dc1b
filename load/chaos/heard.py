"""What callers of the gateway have been told, and whether it holds: their side of the promise (R7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

LOST = 0  # stands for the status of a reply that never came
# Told before anything was decided under this request: ask again.
PASSING = ("in_flight", "rate_limited", "overloaded")


class Reply(NamedTuple):
    """Of one request. status: LOST where the connection broke or nobody answered. at_s: when it was there.

    code: of a problem. durable: where an answer is written.
    """

    status: int
    code: str
    body: bytes
    durable: str
    at_s: float
    took_s: float

    @property
    def told(self) -> bool:
        return self.status in (200, 202)

    @property
    def refused(self) -> bool:
        return 400 <= self.status < 500 and self.code not in PASSING

    @property
    def degraded_reason(self) -> str | None:
        """Of an answer.

        Raises:
            msgspec.DecodeError: it is none.
        """
        return msgspec.json.decode(self.body, type=_Reason).degraded_reason


class _Reason(msgspec.Struct):
    degraded_reason: str | None


@dataclass
class Heard:
    """Of one transaction. answers: each told at least once, with where it was written. refused: why.

    unknown: replies that leave open whether it was decided.
    """

    answers: dict[bytes, str] = field(default_factory=dict)
    refused: str = ""
    unknown: int = 0

    def note(self, reply: Reply) -> None:
        if reply.told:
            # Once it has been told from the ledger, it stands.
            if self.answers.get(reply.body) != "ledger":
                self.answers[reply.body] = reply.durable
        elif reply.refused:
            self.refused = reply.code
        else:
            self.unknown += 1

    @property
    def settled(self) -> bool:
        return bool(self.answers or self.refused)


@dataclass
class ClientView:
    """Counted when everything is done.

    asked: transactions. told, refused, unknown: what their callers heard last. logged: told while only Kafka
    held it. disagree: told otherwise than the row says, told and absent, refused and present. overtaken: told
    from the log, and decided otherwise by somebody else before a worker had read that.
    """

    asked: int = 0
    told: int = 0
    logged: int = 0
    refused: int = 0
    unknown: int = 0
    disagree: int = 0
    overtaken: int = 0

    def breaches(self, heard: Mapping[str, Heard], rows: Mapping[str, bytes]) -> Iterator[str]:
        """In words. rows: the answer that each row gives, by id."""
        for name, each in heard.items():
            self.asked += 1
            self.told += bool(each.answers)
            self.refused += bool(each.refused)
            self.unknown += not each.settled
            self.logged += "log" in each.answers.values()
            yield from self._breaches(name, each, rows.get(name))

    def _breaches(self, name: str, heard: Heard, row: bytes | None) -> Iterator[str]:
        if heard.refused and not heard.answers and row is not None:
            self.disagree += 1
            yield f"{name} was refused ({heard.refused}), and has a row"
        for answer, durable in heard.answers.items():
            if answer == row:
                continue
            if durable == "log" and row is not None:
                self.overtaken += 1
            else:
                self.disagree += 1
            yield f"{name} was told {answer.decode()} by the {durable}; its row says {row and row.decode()}"
