"""Which dead letters have been replayed: noted in the ledger, so that none is sent twice by asking twice."""

from collections.abc import Sequence

from streams.ledger.connection import Connector

SourcePlace = tuple[str, int, int]  # topic id, partition, offset

REPLAYED = """
    SELECT topic_id, partition, "offset" FROM dead_letters JOIN incarnations USING (incarnation)
    WHERE replayed_at IS NOT NULL AND topic = %s
"""
NOTE = """
    UPDATE dead_letters SET replayed_at = now() FROM incarnations
    WHERE incarnations.incarnation = dead_letters.incarnation
        AND (topic_id, partition, "offset") IN (SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[]))
"""


class Replays:
    """A connection of its own to the ledger's notes on replayed letters."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._connector = Connector(url, timeout_s, "fraudml-dlq")

    def close(self) -> None:
        self._connector.close()

    def of(self, topic: str) -> set[SourcePlace]:
        """Places of a topic whose letters have been replayed."""
        with self._connector.use() as connection:
            return {(topic_id, part, at) for topic_id, part, at in connection.execute(REPLAYED, [topic])}

    def note(self, places: Sequence[SourcePlace]) -> None:
        """These have been replayed. Noting it again changes the time alone."""
        if places:
            with self._connector.use() as connection:
                connection.execute(NOTE, [list(each) for each in zip(*places, strict=True)])
