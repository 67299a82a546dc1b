"""Which transactions go by Kafka and which by REST: others of their own, or the same ones by both at once."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from load.chaos.callers import Question
from load.columns import Transactions
from load.documents import transaction_documents

BY_BOTH, BY_ONE = 0.2, 0.4


def split(table: Transactions, rng: np.random.Generator) -> tuple[Transactions, Transactions]:
    """Two of five by Kafka alone, two of five by REST alone, the fifth by both; each in the table's order."""
    drawn = rng.random(len(table))
    return table[drawn < BY_ONE + BY_BOTH], table[drawn >= BY_ONE]


def of_others(table: Transactions) -> Transactions:
    """The same purchases by other customers at other terminals."""
    return replace(
        table,
        transaction_id=_renamed(table.transaction_id),
        customer_id=_renamed(table.customer_id),
        terminal_id=_renamed(table.terminal_id),
    )


def _renamed(ids: NDArray[np.object_]) -> NDArray[np.object_]:
    return np.array([f"rest-{each}" for each in ids.tolist()], dtype=object)


def questions_of(table: Transactions) -> list[Question]:
    """With one in a hundred besides that no gateway may decide."""
    questions = []
    documents = transaction_documents(table)
    for number, (name, document) in enumerate(zip(table.transaction_id.tolist(), documents, strict=True)):
        questions.append(Question(name, document))
        if number % 100 == 0:
            foreign = document.replace(b'"EUR"', b'"SEK"').replace(name.encode(), f"{name}-sek".encode())
            questions.append(Question(f"{name}-sek", foreign))
    return questions
