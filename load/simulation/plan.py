"""A schedule's plan, drawn from its seed: how large the world is, and what may befall it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from load.simulation.inputs import Mix
from load.simulation.line import Rates
from models.features import DAY_S
from models.history import Retention
from streams.poison import PoisonLimit

# What may happen between two turns, and how often against each other.
EVENTS: Mapping[str, float] = {
    "rebalance": 4,
    "pause": 2,
    "zombie": 4,
    "second_instance": 1,
    "wipe": 1,
    "keep_view": 3,
    "lose_writes": 3,
    "reconnect": 1,
    "backup": 2,
    "restore": 2,
    "upgrade": 0.7,
    "remake_topic": 0.4,
    "add_partition": 0.5,
    "time_out": 3,
    "late_commit": 1,
    "allow": 1,
    "expire_offsets": 0.4,
    "ledger_away": 1.5,
    "kafka_away": 1.5,
    "view_away": 0.7,
    "kill_gateway": 1.5,
    "pause_gateway": 1,
}


@dataclass(frozen=True)
class Aim:
    """A bias: what a schedule must hold, for guards that chance alone tries too seldom."""

    events: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    crash_at: Mapping[str, float] = field(default_factory=dict)
    switch_at: Mapping[str, float] = field(default_factory=dict)
    mix: Mapping[str, float] = field(default_factory=dict)
    limit: PoisonLimit | None = None
    decides: bool | None = None
    exact_events: int | None = None
    lateness_days: float | None = None
    slots: int | None = None
    gateways: int | None = None
    partitions: int | None = None


NO_AIM = Aim()

# The second one stops at nothing.
LIMITS = (PoisonLimit(share=0.4, in_a_row=3, window=5), PoisonLimit(share=1.0, in_a_row=10_000, window=5))


@dataclass(frozen=True)
class Plan:
    """decides: whether workers decide while the view is rebuilt. chunk_rows: how much is healed at once."""

    partitions: int
    slots: int
    gateways: int
    state_groups: int
    sweep_max_records: int
    retention: Retention
    limit: PoisonLimit
    decides: bool
    chunk_rows: int
    rates: Rates
    events: Mapping[str, float]
    event_share: float
    mix: Mix


def seeded_plan(random: Random, aim: Aim = NO_AIM) -> Plan:
    """Some events are left out of each plan: what always happens together hides what one of them does."""
    events = {name: weight for name, weight in EVENTS.items() if random.random() < 0.6} | dict(aim.events)
    rates = Rates(
        crash=random.choice((0.0, 0.003, 0.012)),
        unavailable=random.choice((0.0, 0.01, 0.03)),
        switch=random.choice((0.05, 0.15, 0.3)),
        give_up=random.choice((0.0, 0.2)),
        crash_at={"committing a transaction": random.choice((0.0, 0.05))} | dict(aim.crash_at),
        switch_at=aim.switch_at,
    )
    for name, rate in aim.rates.items():
        setattr(rates, name, rate)
    lateness_days = random.choice((0.0, 1.0, 3.0)) if aim.lateness_days is None else aim.lateness_days
    exact_events = random.choice((4096, 4096, 3, 8)) if aim.exact_events is None else aim.exact_events
    mix = _mix(random, aim)
    return Plan(
        partitions=aim.partitions or random.randint(1, 3),
        slots=aim.slots or random.choice((1, 2, 2, 3)),
        gateways=aim.gateways or (random.choice((1, 2)) if mix.rest else 0),
        state_groups=random.choice((1, 1, 2)),
        sweep_max_records=random.choice((1, 3, 8, 8)),
        retention=Retention(int(lateness_days * DAY_S), exact_events),
        limit=aim.limit or random.choice(LIMITS),
        decides=random.random() < 0.4 if aim.decides is None else aim.decides,
        chunk_rows=random.choice((2, 5, 4096)),
        rates=rates,
        events=events,
        event_share=random.choice((0.03, 0.08)),
        mix=mix,
    )


def _mix(random: Random, aim: Aim) -> Mix:
    drawn: dict[str, float] = {
        "transactions": random.randint(16, 44),
        "labels": random.randint(0, 14),
        "customers": random.randint(2, 6),
        "terminals": random.randint(2, 4),
        "span_days": random.choice((0.1, 2.0, 12.0, 12.0, 90.0)),
        "ahead": random.choice((0.0, 0.0, 0.1)),
        "rest": random.choice((0.0, 0.2, 0.5)),
        "forged": random.choice((0.0, 0.1)),
        "disorder": random.choice((0.0, 0.2, 0.6)),
        "floods": random.choice((0.0, 0.0, 0.06)),
    }
    return Mix(**drawn | dict(aim.mix))  # type: ignore[arg-type]
