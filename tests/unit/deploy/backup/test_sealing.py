"""Encrypted files are read with the right key, and with no other."""

from pathlib import Path

import pyrage
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.backup.errors import BadBackup
from deploy.backup.sealing import identities_of, recipients_of, seal, unseal
from models.errors import BadSetting


def key_files(folder: Path) -> tuple[Path, Path]:
    """Of a public key, and of its secret one."""
    made = pyrage.x25519.Identity.generate()
    public, secret = folder / "public.txt", folder / "secret.txt"
    public.write_text(f"# who may read backups\n{made.to_public()}\n")
    secret.write_text(f"{made}\n")
    return public, secret


@given(content=st.binary(max_size=200_000))
def test_what_was_encrypted_comes_back(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("sealed")
    public, secret = key_files(folder)
    (folder / "file").write_bytes(content)
    held = seal(folder / "file", recipients_of(public))
    assert not (folder / "file").exists()
    unseal(held, folder / "again", identities_of(secret))
    assert (folder / "again").read_bytes() == content


def test_nothing_of_the_content_is_in_the_encrypted_file(tmp_path: Path) -> None:
    public, _ = key_files(tmp_path)
    (tmp_path / "file").write_bytes(b"customer c-1 " * 100)
    assert b"customer" not in seal(tmp_path / "file", recipients_of(public)).read_bytes()


def test_another_key_opens_nothing(tmp_path: Path) -> None:
    public, _ = key_files(tmp_path)
    (tmp_path / "other").mkdir()
    _, others = key_files(tmp_path / "other")
    (tmp_path / "file").write_bytes(b"rows")
    held = seal(tmp_path / "file", recipients_of(public))
    with pytest.raises(BadBackup, match="cannot be decrypted"):
        unseal(held, tmp_path / "again", identities_of(others))


def test_a_changed_byte_is_no_content(tmp_path: Path) -> None:
    public, secret = key_files(tmp_path)
    (tmp_path / "file").write_bytes(b"rows" * 50_000)
    held = seal(tmp_path / "file", recipients_of(public))
    content = bytearray(held.read_bytes())
    content[-1] ^= 1
    held.write_bytes(content)
    with pytest.raises(BadBackup, match="cannot be decrypted"):
        unseal(held, tmp_path / "again", identities_of(secret))


@pytest.mark.parametrize("content", ["", "# nothing\n", "AGE-SECRET-KEY-1QQQ", "age1oops", "\0"])
def test_a_file_without_a_public_key_is_refused_and_not_quoted(tmp_path: Path, content: str) -> None:
    (tmp_path / "keys").write_text(content)
    with pytest.raises(BadSetting, match="holds no public key of age") as refused:
        recipients_of(tmp_path / "keys")
    assert "QQQ" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="No such file"):
        identities_of(tmp_path / "nowhere")
