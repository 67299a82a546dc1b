"""Where a Redis is, and by what it is believed; a password of a file is read for each connection."""

from pathlib import Path
from urllib.parse import quote

import pytest

from models.errors import BadSetting
from streams.certificates import with_authority
from streams.files_of_secrets import HeldAddress
from streams.redis_client import client_options


def test_an_address_that_was_given_is_used_as_it_is() -> None:
    assert client_options("redis://worker:secret@cache:6379/0") == {
        "url": "redis://worker:secret@cache:6379/0"
    }


@pytest.mark.parametrize(("user", "told"), [("worker", ("worker", "a/b@c")), ("", ("a/b@c",))])
def test_a_file_is_asked_for_each_connection(user: str, told: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://worker:before@cache:6379/2\n")
    options = client_options(HeldAddress.of(file))
    file.write_text(f"redis://{user}:{quote('a/b@c', safe='')}@cache:6379/2\n")
    assert options["url"] == "redis://cache:6379/2"
    assert options["credential_provider"].get_credentials() == told


def test_a_file_without_a_password_needs_none(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis://cache:6379/2")
    assert client_options(HeldAddress.of(file)) == {"url": "redis://cache:6379/2"}


def test_who_may_sign_goes_with_the_address_and_once() -> None:
    once = with_authority("rediss://worker:secret@cache:6379/0?a=b", Path("/tls/ca.pem"))
    assert once == "rediss://worker:secret@cache:6379/0?a=b&ssl_ca_certs=/tls/ca.pem"
    assert with_authority(once, Path("/tls/ca.pem")) == once


def test_an_address_of_a_file_stays_one(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("rediss://:secret@cache:6379/0")
    found = with_authority(HeldAddress.of(file), Path("/tls/ca.pem"))
    assert isinstance(found, HeldAddress)
    assert found.file == file
    assert client_options(found)["url"] == "rediss://cache:6379/0?ssl_ca_certs=/tls/ca.pem"


def test_an_authority_for_a_connection_without_tls_is_refused() -> None:
    with pytest.raises(BadSetting, match="addressed without TLS"):
        with_authority("redis://cache:6379/0", Path("/tls/ca.pem"))
