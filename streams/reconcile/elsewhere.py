"""What the whole ledger says of itself, and rows that belong to no record of the log."""

from streams.reconcile.check import SHOWN, Check
from streams.reconcile.ports import Books
from streams.reconcile.range import Source


def find_dangling(books: Books, check: Check) -> None:
    """Decisions that nobody can read: what they point to is gone."""
    count, first = books.dangling(SHOWN)
    check.find_many(
        count, [f"the row of {name} names a topic or scoring that is not there" for name in first]
    )


def find_unbalanced(books: Books, check: Check) -> None:
    """Labels whose changes say something else than the latest of them."""
    count, first = books.unbalanced(SHOWN)
    check.find_many(count, [f"the labels of {name} do not add up to the latest" for name in first])


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
