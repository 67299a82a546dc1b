"""Offsets and transactions without one of their guards."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streams.assignment
import streams.labels
import streams.sweep
import streams.verdicts
from load.simulation.kafka import Membership, SimulatedKafka, Transaction
from load.simulation.outbox import SimulatedOutbox
from load.simulation.without.patches import Patch
from load.simulation.worker import SimulatedWorker
from streams.assignment import Standing
from streams.offsets import Place


def group_metadata_at_poll() -> list[Patch]:
    """The group is asked for its generation when the transaction is sent."""
    fill = SimulatedOutbox._fill

    def as_of_now(self: SimulatedOutbox, alerts: Any, dead: Any, offsets: Any, group: Membership) -> None:
        fill(self, alerts, dead, offsets, group._replace(generation=self._broker.generation))

    return [(SimulatedOutbox, "_fill", as_of_now)]


def generation_check() -> list[Patch]:
    """Kafka takes offsets from whoever sends them."""

    def anybody(self: SimulatedKafka, membership: Membership) -> bool:
        return True

    return [(SimulatedKafka, "speaks_for_group", anybody)]


def flight_awaited() -> list[Patch]:
    """A new owner does not wait for a transaction that may yet move its partition's offset."""

    def nobody(self: SimulatedKafka, place: Place) -> bool:
        return False

    return [(SimulatedKafka, "pending", nobody)]


def starting_offset_committed() -> list[Patch]:
    """A worker begins without a committed offset."""

    def turn(self: SimulatedWorker) -> None:
        self._sync()
        self._book.starting.clear()
        guarded(self)

    guarded = SimulatedWorker._turn
    return [(SimulatedWorker, "_turn", turn)]


def offsets_missing() -> list[Patch]:
    """A group without offsets begins at the first record, whatever the ledger has settled."""

    def begin(standing: Standing, where: str) -> int:
        return standing.first

    return [(streams.assignment, "_start_of_a_new_group", begin)]


def seek_after_refusal() -> list[Patch]:
    """After a refusal the worker reads on."""

    def read_on(self: SimulatedWorker) -> None:
        self._send_all()
        self._rewinds = False
        self._outbound.reset()
        self._book.forget()

    return [(SimulatedWorker, "_rewind", read_on)]


def plain_commit_order() -> list[Patch]:
    """Offsets that are owed are committed some time, whatever a transaction has committed since."""

    def forget(self: SimulatedOutbox, offsets: Any) -> None:
        return None

    return [(SimulatedOutbox, "_done", forget)]


def minimum_at_assignment() -> list[Patch]:
    """A worker starts at the committed offset, whatever the ledger says."""
    guarded = streams.assignment.starting_offset

    def committed(standing: Standing) -> int:
        if standing.committed is None:
            return guarded(standing)
        return standing.committed

    return [(streams.assignment, "starting_offset", committed)]


def transactional_id_fence() -> list[Patch]:
    """A new worker in a slot goes on with its predecessor's transaction."""

    def share(self: SimulatedKafka, slot: int) -> int:
        return self.holders.setdefault(slot, 1)

    def join(self: SimulatedKafka, slot: int, member: str) -> None:
        self.flights.setdefault(slot, Transaction(member, self.era)).member = member

    return [(SimulatedKafka, "fence", share), (SimulatedKafka, "begin", join)]


def commit_outcome_settled() -> list[Patch]:
    """No answer to a commit is taken for a failure."""

    def once(self: SimulatedOutbox) -> None:
        self._commit()

    return [(SimulatedOutbox, "_settle_commit", once)]


def alerts_apart() -> list[Patch]:
    """Alerts are sent at once; their offsets follow."""

    def stage(self: SimulatedKafka, slot: int, alerts: Sequence[Any], dead: Sequence[Any]) -> None:
        self.show(alerts, [], self.era)
        self.flights[slot].dead += dead

    return [(SimulatedKafka, "stage", stage)]


def dead_letters_apart() -> list[Patch]:
    """Dead letters are sent at once; their offsets follow."""

    def stage(self: SimulatedKafka, slot: int, alerts: Sequence[Any], dead: Sequence[Any]) -> None:
        self.show([], dead, self.era)
        self.flights[slot].alerts += alerts

    return [(SimulatedKafka, "stage", stage)]


def stop_after_failed_sweep() -> list[Patch]:
    """A sweep that failed for too long is left behind."""

    def skip(self: SimulatedWorker) -> None:
        return None

    return [(SimulatedWorker, "_abandon", skip)]


def log_end_check() -> list[Patch]:
    """A worker does not look where the log ends."""
    guarded = streams.assignment.starting_offset

    def blind(standing: Standing) -> int:
        return guarded(replace(standing, last=max(standing.last, standing.progress)))

    return [(streams.assignment, "starting_offset", blind)]
