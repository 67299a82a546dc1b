"""What each role may do in the ledger, declared once. The migrator owns the tables and may do everything.

A right is on a whole table, or on the columns that are named. What is not here is refused.
"""

from typing import NamedTuple

SELECT, INSERT, UPDATE, DELETE = "SELECT", "INSERT", "UPDATE", "DELETE"


class Right(NamedTuple):
    """columns: none for all of them."""

    privilege: str
    columns: tuple[str, ...] = ()


Rights = dict[str, tuple[Right, ...]]


def _may(*rights: str | Right) -> tuple[Right, ...]:
    return tuple(Right(each) if isinstance(each, str) else each for each in rights)


READS = _may(SELECT)
APPENDS = _may(SELECT, INSERT)
# Whoever connects looks which schema and which ledger this is.
EVERYBODY: Rights = {"alembic_version": READS, "ledger": READS}
# What the writing of decisions keeps up, whoever writes them.
DECIDING: Rights = {
    "scorings": APPENDS,
    "decision_counts": _may(SELECT, INSERT, Right(UPDATE, ("approve", "review", "decline"))),
    "latency_counts": _may(SELECT, INSERT, Right(UPDATE, ("count",))),
}

WORKER: Rights = {
    **EVERYBODY,
    **DECIDING,
    "incarnations": APPENDS,
    "progress": _may(SELECT, INSERT, Right(UPDATE, ("next_offset",))),
    # A row that came by REST is claimed; nothing else of a decision ever changes.
    "decisions": _may(SELECT, INSERT, Right(UPDATE, ("incarnation", "partition", "offset"))),
    "labels": APPENDS,
    "parked_labels": _may(SELECT, INSERT, DELETE),
    "dead_letters": APPENDS,
    "poison_allowances": READS,
    "policies": READS,
    "ab_configs": READS,
    "audit": APPENDS,
    # What has left: looked up, and changed by nobody but the owner, who archives.
    "archived_decisions": READS,
}
GATEWAY: Rights = {
    **EVERYBODY,
    **DECIDING,
    "incarnations": READS,
    "progress": READS,
    "decisions": APPENDS,
    "answer_places": _may(SELECT, INSERT, UPDATE, DELETE),
    "labels": READS,
    "parked_labels": READS,
    "dead_letters": _may(SELECT, Right(UPDATE, ("replayed_at",))),
    "policies": APPENDS,
    "ab_configs": APPENDS,
    "audit": APPENDS,
    # Of whole tables, as they are locked while one changes.
    "api_keys": _may(SELECT, INSERT, UPDATE),
    "users": _may(SELECT, INSERT, UPDATE),
    "reviews": _may(SELECT, INSERT, UPDATE),
    "review_actions": APPENDS,
    "review_labels": _may(SELECT, INSERT, UPDATE, DELETE),
    "reconcile_rounds": READS,
    "archived_decisions": READS,
}
# Statistics: no name of a transaction, customer or terminal, no attribute, no feature, no reason.
READER: Rights = {
    **EVERYBODY,
    "scorings": READS,
    "decision_counts": READS,
    "latency_counts": READS,
    "reconcile_rounds": READS,
    "incarnations": READS,
    "progress": READS,
    "decisions": _may(
        Right(
            SELECT,
            (
                *("amount_minor", "currency", "event_time", "decided_at", "score", "decision", "path"),
                *("late", "degraded_reason", "scoring_id", "incarnation", "partition", "offset"),
            ),
        )
    ),
    "labels": _may(
        Right(SELECT, ("label", "source", "event_time", "recorded_at", "delta", "transaction_time"))
    ),
    "parked_labels": _may(Right(SELECT, ("incarnation", "partition", "offset", "parked_at"))),
    "dead_letters": _may(
        Right(SELECT, ("incarnation", "partition", "offset", "reason", "recorded_at", "replayed_at"))
    ),
}
# The background check and `fraudml audit`: everything but what opens a door.
AUDITOR: Rights = {
    **dict.fromkeys(
        (
            *("alembic_version", "ledger", "incarnations", "progress", "scorings", "decisions"),
            *("decision_counts", "latency_counts", "labels", "latest_labels", "parked_labels"),
            *("dead_letters", "poison_allowances", "answer_places", "policies", "ab_configs", "audit"),
            *("reviews", "review_actions", "review_labels", "restores"),
            *("archived_decisions", "archived_months"),
        ),
        READS,
    ),
    "reconcile_rounds": _may(SELECT, INSERT, DELETE),
    "api_keys": _may(
        Right(
            SELECT,
            (
                *("key_id", "env", "owner", "name", "pepper_id", "last_four", "scopes"),
                *("limit_per_minute", "lifetime", "created_at", "expires_at", "revoked_at"),
            ),
        )
    ),
    "users": _may(Right(SELECT, ("name", "role", "epoch", "created_at", "changed_at", "disabled_at"))),
}

RIGHTS: dict[str, Rights] = {"worker": WORKER, "gateway": GATEWAY, "reader": READER, "auditor": AUDITOR}
# It sorts the names of histories in a temporary table.
MAY_MAKE_TEMPORARY_TABLES = ("auditor",)
