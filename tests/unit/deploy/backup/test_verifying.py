"""A backup is verified file by file: what is damaged, missing or foreign is named."""

from pathlib import Path

import pytest

from deploy.backup.errors import BadBackup
from deploy.jobs.backing_up import verify_backup
from deploy.stack.report import Report
from models.errors import BadSetting
from tests.unit.deploy.backup.backups import backup_in

FILE = "ledger/1.dat.gz"


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return backup_in(tmp_path / "backup")


def verify(folder: Path) -> None:
    verify_backup(str(folder), Report())


def test_a_whole_backup_is_whole(backup: Path) -> None:
    made = verify_backup(str(backup), Report())
    assert made.manifest.rows == {"decisions": 3}
    assert made.document()["bytes"] == 4015


def test_a_flipped_bit_is_found(backup: Path) -> None:
    content = bytearray((backup / FILE).read_bytes())
    content[7] ^= 1
    (backup / FILE).write_bytes(content)
    with pytest.raises(BadBackup, match=f"{FILE} of .* is damaged. its SHA-256 is another"):
        verify(backup)


def test_a_file_that_was_cut_off_is_found(backup: Path) -> None:
    (backup / FILE).write_bytes(b"rows")
    with pytest.raises(BadBackup, match=r"is damaged. it has 4 of 4,000 bytes"):
        verify(backup)


def test_a_missing_file_is_found(backup: Path) -> None:
    (backup / FILE).unlink()
    with pytest.raises(BadBackup, match=f"{FILE} is missing"):
        verify(backup)


def test_a_file_that_does_not_belong_to_it_is_found(backup: Path) -> None:
    (backup / "ledger/2.dat.gz").write_bytes(b"")
    with pytest.raises(BadBackup, match=r"ledger/2.dat.gz does not belong to"):
        verify(backup)


def test_a_link_in_the_place_of_nothing_is_found(backup: Path) -> None:
    (backup / "ledger/3.dat").symlink_to(backup / FILE)
    with pytest.raises(BadBackup, match=r"ledger/3.dat does not belong to"):
        verify(backup)


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_a_manifest_is_no_backup(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "other").mkdir()
    with pytest.raises(BadBackup, match=r"is no backup. it has no manifest"):
        verify(tmp_path / "other")


@pytest.mark.parametrize("address", ["ftp://somewhere/else", "s3:///prefix"])
def test_what_is_neither_a_folder_nor_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(BadSetting):
        verify_backup(address, Report())
