"""What stands for an id: its row, or what is left of one that has gone to the archive."""

from collections.abc import Collection

from models.archived import ArchivedDecision
from streams.reconcile.ports import Books, Decided

Standing = Decided | ArchivedDecision


def standing(books: Books, transaction_ids: Collection[str]) -> dict[str, Standing]:
    """By id, of those that were decided."""
    found: dict[str, Standing] = {**books.decided(list(transaction_ids))} if transaction_ids else {}
    if others := [each for each in transaction_ids if each not in found]:
        found |= books.archived(others)
    return found
