"""The guards of the protocol, each of which can be taken away: the simulator must notice."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from load.simulation.plan import LIMITS, NO_AIM, Aim
from load.simulation.without import answers, incarnations, kafka, ledger, outbound, poison, view
from load.simulation.without.patches import Patch, patched


@dataclass(frozen=True)
class Guard:
    """rule: in words. patches: what the code becomes without it. aim: what its schedules must hold."""

    rule: str
    patches: Callable[[], list[Patch]]
    aim: Aim = NO_AIM

    def removed(self) -> AbstractContextManager[None]:
        return patched(self.patches())


CRASHES = Aim(rates={"crash": 0.012})
OFTEN = Aim(rates={"crash": 0.03}, partitions=1, slots=1)
REBALANCES = Aim(events={"rebalance": 4, "zombie": 12}, slots=3, rates={"switch": 0.3})
LOSSES = Aim(events={"keep_view": 6, "lose_writes": 6, "wipe": 2}, slots=2, rates={"switch": 0.3})
RESTORES = Aim(events={"backup": 6, "restore": 4}, rates={"crash": 0.003})
FAILURES = Aim(rates={"unavailable": 0.03, "give_up": 0.0})
GIVE_UPS = Aim(rates={"unavailable": 0.03, "give_up": 0.5})
RESTS = Aim(mix={"rest": 0.5, "changed": 0.8})
AWAY = Aim(events={"ledger_away": 6, "kafka_away": 2}, mix={"rest": 0.6}, rates={"crash": 0.003})
LATECOMERS = Aim(events={"ledger_away": 10}, mix={"rest": 0.6, "changed": 0.8})
REMADE = Aim(events={"remake_topic": 4}, mix={"rest": 0.6})
RIVALS = Aim(
    events={"rebalance": 10, "zombie": 20, "pause": 8},
    slots=3,
    partitions=1,
    rates={"crash": 0.0},
    switch_at={"settling decisions": 0.8, "settling labels": 0.8, "reading the view": 0.5},
)
TAKEOVERS = Aim(
    events={"rebalance": 20, "zombie": 20},
    slots=3,
    partitions=3,
    switch_at={"sending offsets": 0.9, "committing a transaction": 0.9},
    crash_at={"committing a transaction": 0.1},
)
HURRIES = Aim(events={"wipe": 6, "lose_writes": 4, "keep_view": 4}, decides=True)
LABELS = Aim(mix={"labels": 14})
RETURNS = Aim(mix={"labels": 14}, crash_at={"unparking labels": 0.2, "committing a transaction": 0.05})
SUCCESSORS = Aim(crash_at={"sending offsets": 0.2}, slots=1)
UPGRADES = Aim(events={"upgrade": 8}, mix={"ahead": 0.3}, rates={"crash": 0.012})
LONG_SPANS = Aim(
    mix={
        "span_days": 90.0,
        "transactions": 120,
        "labels": 0,
        "customers": 3,
        "terminals": 1,
        "disorder": 0.0,
        "rest": 0.0,
    },
    lateness_days=0.0,
    exact_events=4096,
    slots=3,
    partitions=3,
    rates={"switch": 0.3, "crash": 0.0},
    events={"rebalance": 0.2},
    switch_at={"settling decisions": 0.9},
    decides=False,
)

GUARDS: Mapping[str, Guard] = {
    "first_write_wins": Guard("the first write of a row stands", ledger.first_write_wins),
    "ownership": Guard("a redelivered record is known as the row's owner", ledger.ownership, CRASHES),
    "progress_as_read": Guard(
        "a sweep is settled on the progress it was built on", ledger.progress_as_read, RIVALS
    ),
    "duplicates_fold_again": Guard(
        "a sweep is folded again without its duplicates", ledger.duplicates_fold_again
    ),
    "watermark": Guard("the view applies only from the watermark as read", view.watermark, LOSSES),
    "view_key": Guard("a view of another ledger is not ours", view.view_key, RESTORES),
    "heal_on_reconnect": Guard("a new connection heals before it reads", view.heal_on_reconnect, LOSSES),
    "heal_everything": Guard(
        "a new connection heals all partitions, not its own alone", view.heal_everything, LOSSES
    ),
    "behind_is_healed": Guard("a view behind the progress is healed first", view.behind_is_healed, LOSSES),
    "view_epoch": Guard("a view made anew is another view", view.view_epoch, RESTORES),
    "degraded_says_so": Guard("a decision without histories says so", poison.degraded_says_so, HURRIES),
    "healing_refusal": Guard("healing is refused once the watermark has moved", view.healing_refusal, LOSSES),
    "verdicts_stand": Guard("nothing below progress is decided again", ledger.verdicts_stand, UPGRADES),
    "dead_letters_recorded": Guard("dead letters are in the ledger", ledger.dead_letters_recorded, CRASHES),
    "label_delta": Guard("a mark is the change, not the label", ledger.label_delta, LABELS),
    "parked_label_order": Guard(
        "a parked label is produced, then deleted", ledger.parked_label_order, RETURNS
    ),
    "group_metadata_at_poll": Guard(
        "the group's metadata is that of the poll", kafka.group_metadata_at_poll, REBALANCES
    ),
    "generation_check": Guard(
        "Kafka refuses offsets of an older generation", kafka.generation_check, REBALANCES
    ),
    "flight_awaited": Guard("a new owner waits for transactions in flight", kafka.flight_awaited, TAKEOVERS),
    "starting_offset_committed": Guard(
        "a starting offset is committed before the first sweep", kafka.starting_offset_committed, CRASHES
    ),
    "offsets_missing": Guard(
        "a group that has lost its offsets stops", kafka.offsets_missing, Aim(events={"expire_offsets": 4})
    ),
    "seek_after_refusal": Guard(
        "after a refusal records are read again", kafka.seek_after_refusal, REBALANCES
    ),
    "plain_commit_order": Guard("no older offset follows a transaction", kafka.plain_commit_order),
    "minimum_at_assignment": Guard(
        "a worker starts at the smaller of committed and progress", kafka.minimum_at_assignment, RESTORES
    ),
    "transactional_id_fence": Guard(
        "a new worker fences its slot's last one", kafka.transactional_id_fence, SUCCESSORS
    ),
    "commit_outcome_settled": Guard(
        "a commit without an answer is sent again", kafka.commit_outcome_settled, FAILURES
    ),
    "restore_new_id": Guard("a restored ledger has a new id", incarnations.restore_new_id, RESTORES),
    "topic_id": Guard(
        "a topic made again is another topic", incarnations.topic_id, Aim(events={"remake_topic": 4})
    ),
    "log_end_check": Guard(
        "a log that ends below progress stops the worker", kafka.log_end_check, Aim(events={"truncate": 2})
    ),
    "rest_body": Guard(
        "only the same body claims what REST decided",
        ledger.rest_body,
        RESTS,
    ),
    "rest_republished": Guard(
        "a row of REST that nobody claims is produced again", answers.rest_republished, RESTS
    ),
    "rest_republished_when_passed": Guard(
        "and only once progress has passed its record", answers.rest_republished_when_passed, RESTS
    ),
    "rest_republished_to_new_topic": Guard(
        "and also when its topic is no more", answers.rest_republished_to_new_topic, REMADE
    ),
    "answer_stands": Guard("an answer does not replace a decision", answers.answer_stands, RESTS),
    "standing_answer_told": Guard(
        "whoever comes second is told what stands", answers.standing_answer_told, RESTS
    ),
    "answer_kept_before_told": Guard(
        "without the ledger only what Kafka has is told", answers.answer_kept_before_told, AWAY
    ),
    "answer_stored": Guard(
        "a signed answer that the ledger lacks is the decision", answers.answer_stored, AWAY
    ),
    "answer_signed": Guard(
        "only our signature makes an answer of a mark", answers.answer_signed, Aim(mix={"forged": 0.5})
    ),
    "answers_remembered": Guard("a process knows what it has told", answers.answers_remembered, AWAY),
    "answers_apart": Guard("requests of one sweep do not count each other", answers.answers_apart, RESTS),
    "answer_conflicts_counted": Guard(
        "a signed answer that does not stand is counted", answers.answer_conflicts_counted, LATECOMERS
    ),
    "flood_stops": Guard(
        "a flood of malformed records stops its partition",
        poison.flood_stops,
        Aim(mix={"floods": 0.3}, limit=LIMITS[0]),
    ),
    "alerts_with_offsets_in_one_transaction": Guard(
        "alerts and offsets are one transaction", kafka.alerts_apart, CRASHES
    ),
    "dead_letters_with_offsets_in_one_transaction": Guard(
        "dead letters and offsets are one transaction",
        kafka.dead_letters_apart,
        Aim(rates={"crash": 0.012}, mix={"malformed": 0.3}),
    ),
    "offsets_wait_in_line": Guard(
        "what waits to go out is not passed by offsets", outbound.offsets_wait_in_line, OFTEN
    ),
    "one_membership_at_once": Guard(
        "what goes out together speaks for one membership", outbound.one_membership_at_once, REBALANCES
    ),
    "stop_after_failed_sweep": Guard(
        "nothing goes on past a failed sweep", kafka.stop_after_failed_sweep, GIVE_UPS
    ),
    "trim_compare_and_set": Guard(
        "a trim is refused once the history has grown", view.trim_compare_and_set, LONG_SPANS
    ),
}
