"""A manifest is read as it was written, and anything else is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.backup.errors import BadBackup
from deploy.backup.manifest import Position, StoredFile, read, sealed
from tests.unit.deploy.backup.backups import manifest

counts = st.integers(0, 2**40)
positions = st.builds(
    Position, st.text(), st.text(), st.integers(0, 1000), counts, st.one_of(st.none(), counts)
)
files = st.builds(StoredFile, st.text(), counts, st.text())


@given(
    st.lists(positions, max_size=3),
    st.lists(files, max_size=3),
    st.dictionaries(st.text(), counts, max_size=3),
)
def test_what_was_written_is_read(
    positions: list[Position], files: list[StoredFile], rows: dict[str, int]
) -> None:
    made = manifest(positions=positions, files=files, rows=rows)
    found = read(sealed(made), "here")
    assert (found.positions, found.files, found.rows) == (positions, files, rows)


@given(st.data())
def test_a_manifest_with_another_value_is_refused(data: st.DataObject) -> None:
    document = json.loads(sealed(manifest()))
    name = data.draw(st.sampled_from(["schema", "ledger_id", "name", "currency", "version", "digest"]))
    document[name] += data.draw(st.text(st.characters(categories=["L", "N"]), min_size=1))
    with pytest.raises(BadBackup, match="is not as it was written"):
        read(json.dumps(document).encode(), "here")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"format":"tar"}', b"\xff\xfe", b'{"format":1}'])
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(BadBackup, match="here is no backup of this system"):
        read(content, "here")


def test_a_format_of_later_is_named() -> None:
    with pytest.raises(BadBackup, match="its format is fraudml-backup/2, and this version reads"):
        read(b'{"format": "fraudml-backup/2", "anything": "else"}', "here")
