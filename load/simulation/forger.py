"""Somebody who may produce, and would like a transaction of his own to pass."""

from datetime import datetime
from random import Random

import numpy as np

from load.simulation.inputs import Feed
from load.simulation.pipeline import FORGER
from models.decision import DecidedTransaction
from models.features import FEATURE_NAMES
from models.transaction import decode_transaction
from streams.answered import DECISION_HEADER, Answered

FORGED = "forged"


def forged_headers(feed: Feed, random: Random, now: datetime) -> list[tuple[str, bytes | None]]:
    """A record's mark by another key than the gateways', or with no signature."""
    sent = decode_transaction(feed.value)
    decided = DecidedTransaction(
        decision="approve",
        score=0.0,
        reasons=[],
        variant="champion",
        model_name=FORGED,
        model_version="1",
        policy_version="1",
        ab_version="1",
        path="rest",
        degraded_reason=None,
        late=False,
        decided_at=now,
        **{name: getattr(sent, name) for name in sent.__struct_fields__},
    )
    mark = FORGER.headers(feed.value or b"", Answered(decided, np.zeros(len(FEATURE_NAMES), np.float32)))
    unsigned = random.random() < 0.3
    return [(name, value) for name, value in mark if name == DECISION_HEADER or not unsigned]
