"""What all processes of a schedule share."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from random import Random

from load.simulation.kafka import SimulatedKafka
from load.simulation.plan import Plan
from load.simulation.stores import SimulatedLedger, SimulatedView


@dataclass
class Surroundings:
    """wire: commits that were sent by a worker that is gone. steps: how many there have been."""

    kafka: SimulatedKafka
    ledger: SimulatedLedger
    view: SimulatedView
    plan: Plan
    random: Random
    wire: list[tuple[int, int]]
    now: Callable[[], datetime]
    steps: Callable[[], int]
    new_epoch: Callable[[], str]
