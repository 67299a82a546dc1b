"""A table of transactions as the fold of past transactions wants it."""

import numpy as np

from load.columns import Transactions, codes_of
from models.training_set import PastTransactions


def past_of(table: Transactions) -> PastTransactions:
    """The table's columns with customers and terminals as numbers; without labels nothing is a fraud."""
    fraud = np.zeros(len(table), np.int64) if table.label is None else table.label.astype(np.int64)
    return PastTransactions(
        customer=codes_of(table.customer_id).astype(np.int64),
        terminal=codes_of(table.terminal_id).astype(np.int64),
        time_s=table.event_time_ms // 1000,
        amount_minor=table.amount_minor,
        fraud=fraud,
    )
