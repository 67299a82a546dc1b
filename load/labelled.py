"""A table of labelled transactions as training and evaluation want it."""

import numpy as np

from load.columns import DAY_MS, Transactions, codes_of
from load.past import past_of
from models.errors import BadFile
from models.folds import Labelled
from models.history import Retention
from models.training_set import past_features


def labelled_of(table: Transactions) -> Labelled:
    """The table's rows, in event-time order, with the features that workers would have computed.

    Raises:
        BadFile: the table has no labels.
    """
    if table.label is None:
        raise BadFile("these transactions have no labels", next_step="name the label's column in the map")
    parts = [part.astype(np.float32) for part in past_features(past_of(table), Retention())]
    return Labelled(
        features=np.concatenate(parts),
        fraud=table.label,
        customer=codes_of(table.customer_id).astype(np.int64),
        day=table.event_time_ms // DAY_MS,
        amount_minor=table.amount_minor,
    )
