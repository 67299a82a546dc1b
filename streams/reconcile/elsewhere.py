"""Rows that belong to no record of the log: counted, as nothing is left to hold them against."""

from streams.reconcile.check import Check
from streams.reconcile.ports import Books
from streams.reconcile.range import Source


def rows_elsewhere(books: Books, source: Source, check: Check) -> dict[str, int]:
    """expired: their records have left the log. other_topics: of a topic that was made again since."""
    owners = books.owners()
    numbers = {span.number for span in source.spans}
    for partition, rows in owners.items():
        if partition.topic_id == source.topic_id and partition.number not in numbers:
            check.find(f"{rows} rows are owned by {source.topic}/{partition.number}: no such partition")
    expired = (books.counts(source.partition(span.number), 0, span.start)[0] for span in source.spans)
    others = (rows for partition, rows in owners.items() if partition.topic_id != source.topic_id)
    return {"expired": sum(expired), "other_topics": sum(others)}
