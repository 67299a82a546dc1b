"""The pepper: set, or made once, for its owner's eyes only."""

import os
from pathlib import Path
from random import Random

import pytest

from models.errors import BadSetting
from streams.secret_files import pepper_of, shared_answer_key, shared_pepper
from streams.settings import Settings, read_settings

SET = "set in the environment"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return read_settings(home=tmp_path / "home", key_pepper="")


def made(settings: Settings, seed: int = 1) -> bytes:
    return pepper_of(settings, Random(seed).randbytes)


def file_of(settings: Settings) -> Path:
    return settings.home / "secrets" / "key-pepper"


def test_it_is_what_was_set_and_then_there_is_no_file(settings: Settings) -> None:
    assert pepper_of(read_settings(home=settings.home, key_pepper=SET), Random(1).randbytes) == SET.encode()
    assert not settings.home.exists()


def test_it_is_made_once_of_192_random_bits(settings: Settings) -> None:
    first = made(settings, seed=1)
    assert len(bytes.fromhex(first.decode())) == 24
    assert made(settings, seed=2) == first
    assert file_of(settings).read_bytes() == first


def test_only_its_owner_may_read_it_whatever_the_umask(settings: Settings) -> None:
    before = os.umask(0)
    try:
        made(settings)
    finally:
        os.umask(before)
    assert file_of(settings).stat().st_mode & 0o777 == 0o600
    assert file_of(settings).parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in file_of(settings).parent.iterdir()] == ["key-pepper"]


def test_one_that_somebody_made_meanwhile_is_taken(settings: Settings) -> None:
    def overtaken(count: int) -> bytes:
        made(settings, seed=2)
        return Random(1).randbytes(count)

    assert pepper_of(settings, overtaken) == made(settings, seed=3) == Random(2).randbytes(24).hex().encode()


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o620, 0o602])
def test_one_that_others_may_read_or_write_is_refused(settings: Settings, mode: int) -> None:
    made(settings)
    file_of(settings).chmod(mode)
    with pytest.raises(BadSetting, match=r"others may read or write .*chmod 600"):
        made(settings)


def test_an_empty_file_is_no_pepper(settings: Settings) -> None:
    made(settings)
    file_of(settings).write_text("\n")
    with pytest.raises(BadSetting, match=r"is empty.*backup"):
        made(settings)


def test_a_home_that_is_no_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(BadSetting, match=r"cannot be used.*set FRAUDML_KEY_PEPPER"):
        made(read_settings(home=tmp_path / "home", key_pepper=""))


def test_no_error_tells_it(settings: Settings) -> None:
    pepper = made(settings).decode()
    file_of(settings).chmod(0o644)
    with pytest.raises(BadSetting) as refused:
        made(settings)
    assert pepper not in str(refused.value)


def test_the_one_of_before_is_accepted_while_its_file_is_there(settings: Settings) -> None:
    pepper = made(settings)
    before = file_of(settings).with_name("key-pepper-previous")
    before.write_text("the one of before")
    before.chmod(0o600)
    assert shared_pepper(settings, Random(2).randbytes).accepted() == (pepper, b"the one of before")
    before.unlink()
    assert shared_pepper(settings, Random(2).randbytes).accepted() == (pepper,)


def test_the_one_of_before_may_be_set(settings: Settings) -> None:
    both = read_settings(home=settings.home, answer_key=SET, answer_key_previous="set before that, too")
    shared = shared_answer_key(both, Random(1).randbytes)
    assert (shared.signing(), shared.accepted()) == (SET.encode(), (SET.encode(), b"set before that, too"))


def test_one_of_before_that_others_may_read_is_refused(settings: Settings) -> None:
    made(settings)
    file_of(settings).with_name("key-pepper-previous").write_text("for everybody's eyes")
    with pytest.raises(BadSetting, match=r"others may read or write .*previous"):
        shared_pepper(settings, Random(1).randbytes)
