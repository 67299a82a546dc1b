"""What a candidate has left in the three stores of a backlog in whose middle it was killed."""

from collections.abc import Iterator

import msgspec
import numpy as np
from psycopg import sql

from load.columns import Transactions
from load.peers.candidate import Candidate, Stores
from load.peers.histories import added_since, should_be_added
from load.peers.losses import Losses, losses

ROWS = "SELECT transaction_id, decision <> 'approve' FROM {}.decisions WHERE transaction_id = ANY(%s)"


class AlertId(msgspec.Struct):
    transaction_id: str


_decoder = msgspec.json.Decoder(AlertId)


def aftermath(candidate: Candidate, stores: Stores, backlog: Transactions) -> Losses:
    ids = set(backlog.transaction_id.tolist())
    query = sql.SQL(ROWS).format(sql.Identifier(candidate.schema))
    rows = stores.postgres.execute(query, [list(ids)]).fetchall()
    # The second of the first one may hold some of an earlier backlog.
    since_s = int(backlog.event_time_ms.min()) // 1000 + 1
    later = backlog[np.flatnonzero(backlog.event_time_ms // 1000 >= since_s)]
    return losses(
        sent=ids,
        rows=[name for name, _ in rows],
        expected=should_be_added(later),
        added=added_since(stores.redis, candidate.prefix(), since_s),
        flagged=[name for name, is_flagged in rows if is_flagged],
        alerted=[name for name in _alerts(stores, candidate.alerts_topic) if name in ids],
    )


def _alerts(stores: Stores, topic: str) -> Iterator[str]:
    """Transactions that a reader sees alerts of."""
    ends = {number: last for number, (_, last) in stores.log.ends(topic).items()}
    for batch in stores.log.read(topic, ends):
        for message in batch:
            yield _decoder.decode(message.value() or b"").transaction_id
