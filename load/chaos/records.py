"""Records that a drill sends beside the replayed ones: poison, copies, conflicts. Keys and values."""

from dataclasses import replace
from random import Random

import numpy as np

from load.columns import Transactions
from load.documents import transaction_documents

Records = tuple[list[bytes], list[bytes]]

# Few enough that no partition takes them for a flood.
POISON_RECORDS = 24
# More than a partition takes in a row.
FLOOD_RECORDS = 60
COPIES = 1000
OVERSIZED_BYTES = 900_000
MALFORMED = (
    b"",
    b"\xff\xfe\x00garbage",
    b"[]",
    b'{"transaction_id": 1}',
    b'{"transaction_id": "cut off',
    b'{"transaction_id":"t","customer_id":"c","terminal_id":"m","amount_minor":NaN,"currency":"EUR",'
    b'"event_time":"2018-04-01T00:00:00Z"}',
    b'{"transaction_id":"t","customer_id":"c","terminal_id":"m","amount_minor":-5,"currency":"EUR",'
    b'"event_time":"2018-04-01T00:00:00Z"}',
    b'{"id":"renamed","customer_id":"c","terminal_id":"m","amount_minor":5,"currency":"EUR",'
    b'"event_time":"2018-04-01T00:00:00Z"}',
    b"[" * 5_000,
)


def poisonous(rng: Random) -> Records:
    values = [rng.choice(MALFORMED) for _ in range(POISON_RECORDS)]
    return [f"poison-{number}-{rng.random()}".encode() for number in range(POISON_RECORDS)], values


def flooding(rng: Random) -> Records:
    """Malformed records in a row on one partition, more than it stops at."""
    key = f"flood-{rng.random()}".encode()
    return [key] * FLOOD_RECORDS, [rng.choice(MALFORMED) for _ in range(FLOOD_RECORDS)]


def oversized(size_bytes: int = OVERSIZED_BYTES) -> Records:
    """Larger than any transaction may be; by default small enough for the topic."""
    note = b"x" * size_bytes
    value = (
        b'{"transaction_id":"large","customer_id":"c","terminal_id":"m","amount_minor":5,"currency":"EUR",'
        b'"event_time":"2018-04-01T00:00:00Z","attributes":{"note":"' + note + b'"}}'
    )
    return [b"oversized"], [value]


def repeated(table: Transactions, rng: Random) -> Records:
    """The last of a table twice more, in any order."""
    last = table[-COPIES:]
    keys = [customer.encode() for customer in last.customer_id.tolist()]
    records = list(zip(keys, transaction_documents(last), strict=True)) * 2
    rng.shuffle(records)
    return [key for key, _ in records], [value for _, value in records]


def conflicting(table: Transactions, rng: Random) -> Records:
    """Some of a table under the same ids, with other amounts."""
    rows = sorted(rng.sample(range(len(table)), min(COPIES // 10, len(table))))
    some = table[np.array(rows, np.int64)]
    other = replace(some, amount_minor=some.amount_minor + 1)
    return [customer.encode() for customer in other.customer_id.tolist()], transaction_documents(other)
