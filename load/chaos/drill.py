"""One drill: a replay at a steady rate, faults one after the other meanwhile, reconciled all the while."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from random import Random
from threading import Thread
from typing import Any

from load.chaos.arena import Arena
from load.chaos.faults import Fault
from load.repeatedly import Repeatedly
from models.errors import FraudError, Unavailable

Say = Callable[[str], None]
Reconcile = Callable[[], dict[str, Any]]

RECONCILE_EVERY_S = 15.0
SETTLED_WITHIN_S = 180.0
# A gateway that died before it had sent an answer's record does so when it is back.
MAY_WAIT = ("rest",)


@dataclass
class Auditor:
    """Reconciles; a store that is away is no finding."""

    reconcile: Reconcile
    say: Say
    runs: int = 0
    findings: int = 0

    def beside(self) -> Repeatedly:
        """Looks again and again: a drill that nobody has looked at proves nothing, so what fails is told."""
        return Repeatedly("auditor", self._look_if_it_can, RECONCILE_EVERY_S)

    def _look_if_it_can(self) -> None:
        try:
            self.look(allowed=MAY_WAIT)
        except FraudError as error:
            self.say(f"reconcile has to wait: {error}")

    def look(self, allowed: Collection[str] = ()) -> None:
        """allowed: checks whose findings may pass by themselves."""
        found = self.reconcile()
        self.runs += 1
        for name, check in found["checks"].items():
            if name in allowed:
                continue
            self.findings += check["findings"]
            for line in check["first"]:
                self.say(f"reconcile finds: {line}")


@dataclass
class Drill:
    """faults: in order, with a rest between them. clock: seconds since the drill began.

    spread: in which part of its turn a fault may strike, from 0, always in the middle, to 1, at any time.
    """

    arena: Arena
    faults: list[Fault]
    rng: Random
    clock: Callable[[], float]
    say: Say
    spread: float = 0.0
    done: list[str] = field(default_factory=list)

    def run(self, seconds: float, replay: Callable[[], Any]) -> Any:
        """Run the replay on a thread, and the faults spread over so many seconds; what the replay gives.

        Faults that would come after the replay's end are not counted: they would disturb nothing.
        """
        outcome: dict[str, Any] = {}
        thread = Thread(target=_kept, args=(replay, outcome), name="replay", daemon=True)
        thread.start()
        for number, fault in enumerate(self.faults):
            moment = 0.5 + self.spread * (self.rng.random() - 0.5 if self.spread else 0.0)
            self._rest_until(thread, seconds * (number + moment) / len(self.faults))
            if not thread.is_alive():
                break
            self._inflict(fault)
        thread.join()
        if "error" in outcome:
            raise outcome["error"]
        return outcome["sent"]

    def _rest_until(self, thread: Thread, moment_s: float) -> None:
        while thread.is_alive() and self.clock() < moment_s:
            self.arena.wait(0.1)

    def _inflict(self, fault: Fault) -> None:
        self.tell(f"{fault.name} (row {', '.join(map(str, fault.rows))})")
        harm = fault.act(self.arena, self.rng)
        try:
            for hold_s in harm:
                self.arena.wait(hold_s)
        finally:
            harm.close()
        self.done.append(fault.name)
        resets = sum(proxy.resets for proxy in self.arena.proxies.values())
        restarts = self.arena.crew.restarts
        self.tell(f"{fault.name} is over; {restarts} workers restarted, {resets} connections reset so far")

    def tell(self, what: str) -> None:
        self.say(f"{self.clock():6.1f} s  {self.arena.sent():>7,} sent  {what}")


def _kept(call: Callable[[], Any], outcome: dict[str, Any]) -> None:
    try:
        outcome["sent"] = call()
    except BaseException as error:
        outcome["error"] = error


def settled(reconcile: Callable[[], None], wait: Callable[[float], None], clock: Callable[[], float]) -> None:
    """Look until every store answers again.

    Raises:
        Unavailable: one stays away.
    """
    until_s = clock() + SETTLED_WITHIN_S
    while True:
        try:
            return reconcile()
        except Unavailable:
            if clock() > until_s:
                raise
            wait(1.0)
