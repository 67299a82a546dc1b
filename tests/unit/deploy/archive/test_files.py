"""A month's file holds each row as it was, in order, and nothing else is taken for one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from deploy.archive.errors import BadArchive
from deploy.archive.files import SENT, ids_of, opened, write
from models.archived import hash_of

JANUARY = datetime(2026, 1, 3, tzinfo=UTC)


def row(number: int, **changes: Any) -> list[Any]:
    values: dict[str, Any] = dict.fromkeys(SENT, "x") | {
        "transaction_id": f"tx-{9 - number}",
        "amount_minor": number,
        "event_time": number * 1000,
        "decided_at": JANUARY + timedelta(seconds=number),
        "score": 0.5,
        "late": False,
        "degraded_reason": None,
        "attributes": {"tries": number} if number % 2 else None,
        "reasons": None,
        "feature_names": ["a", "b"],
        "features": np.array([number, 0.25], "<f4").tobytes(),
        "partition": 0,
        "offset": number,
    }
    return list((values | changes).values())


def test_rows_come_back_in_their_order_with_the_hashes_of_their_bodies(tmp_path: Path) -> None:
    counts: list[int] = []
    chunks = [[row(0), row(1)], [row(2)]]
    written = write(tmp_path / "f", chunks, counts.append)
    assert (written.rows, counts) == (3, [2, 1])
    assert written.newest_event == datetime(1970, 1, 1, 0, 0, 2, tzinfo=UTC)
    batches = ds.dataset(tmp_path / "f").to_batches(batch_size=2)
    found = [each for batch in batches for each in batch.to_pylist()]
    assert [each["transaction_id"] for each in found] == ["tx-9", "tx-8", "tx-7"]
    assert [each["features"] for each in found] == [[0, 0.25], [1, 0.25], [2, 0.25]]
    bodies = [("x", "x", n, n * 1000, {"tries": float(n)} if n % 2 else None) for n in range(3)]
    assert [UUID(bytes=each["body_hash"]) for each in found] == [hash_of(body) for body in bodies]


def test_ids_are_moved_in_their_own_order_so_many_at_a_time(tmp_path: Path) -> None:
    write(tmp_path / "f", [[row(n) for n in range(5)]], lambda count: None)
    with opened(tmp_path / "f", "f") as file:
        assert [ids for ids, _ in ids_of(file, 3)] == [["tx-7", "tx-8", "tx-9"], ["tx-5", "tx-6"]]


def test_what_is_no_file_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(BadArchive, match="f cannot be read"), opened(tmp_path / "f", "f"):
        pass
    pq.write_table(pa.table({"a": [1]}), tmp_path / "g")
    with pytest.raises(BadArchive, match="it has other columns"), opened(tmp_path / "g", "g"):
        pass
