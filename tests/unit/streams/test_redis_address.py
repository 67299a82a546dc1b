"""One server or a cluster: the address says which, and what is wrong with it is told without its password."""

from pathlib import Path

import pytest

from models.errors import BadSetting
from streams.certificates import with_authority
from streams.files_of_secrets import HeldAddress
from streams.kinds_of_settings import masked
from streams.redis_address import is_cluster, named_nodes, of_one_node
from streams.redis_client import client_options, cluster_client, cluster_options

SEVERAL = "redis+cluster://fraud:secret%2Cword@one:7000,two,[::1]:7002"


@pytest.mark.parametrize("address", ["redis://cache/0", "rediss://cache", "redis://one:1,two:2/0"])
def test_one_server_is_addressed_as_ever(address: str) -> None:
    assert not is_cluster(address)


def test_a_cluster_names_some_of_its_nodes() -> None:
    assert is_cluster(SEVERAL)
    assert named_nodes(SEVERAL) == [("one", 7000), ("two", 6379), ("::1", 7002)]


def test_user_password_and_tls_are_those_of_all_nodes() -> None:
    assert of_one_node(SEVERAL) == "redis://fraud:secret%2Cword@one:7000/0"
    options = cluster_options("rediss+cluster://fraud:secret%2Cword@one,two?ssl_ca_certs=/tls/ca.pem", 1.5)
    told = {name: options[name] for name in ("username", "password", "ssl", "ssl_ca_certs")}
    assert told == {
        "username": "fraud",
        "password": "secret,word",
        "ssl": True,
        "ssl_ca_certs": "/tls/ca.pem",
    }
    assert options["socket_timeout"] == options["socket_connect_timeout"] == 1.5
    assert not {"url", "host", "port", "db", "connection_class"} & options.keys()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("redis+cluster://:hunter2@", "no host"),
        ("redis+cluster://:hunter2@one:7000,,two", "no host"),
        ("redis+cluster://:hunter2@one:seven", "[Pp]ort"),
        ("redis+cluster://:hunter2@one:70000", "[Pp]ort"),
        ("redis+cluster://:hunter2@one:7000/1", "no keyspace but 0"),
    ],
)
def test_what_is_no_address_of_a_cluster_is_refused(address: str, why: str) -> None:
    with pytest.raises(BadSetting, match=why) as refused:
        cluster_client(address, 1.0)
    assert "hunter2" not in str(refused.value)


def test_the_password_of_a_cluster_is_not_shown() -> None:
    assert masked("redis+cluster://fraud:secret@one,two") == "redis+cluster://fraud:****@one,two"


def test_a_password_in_a_file_is_read_for_each_connection(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("redis+cluster://fraud:before@one:7000,two:7001")
    held = HeldAddress.of(file)
    options = cluster_options(held, 1.0)
    file.write_text("redis+cluster://fraud:secret@one:7000,two:7001")
    assert "password" not in options
    assert options["credential_provider"].get_credentials() == ("fraud", "secret")
    assert client_options(of_one_node(held))["url"] == "redis://one:7000/0"


def test_who_may_sign_is_told_of_a_cluster_too() -> None:
    told = with_authority("rediss+cluster://one,two", Path("/tls/ca.pem"))
    assert told == "rediss+cluster://one,two?ssl_ca_certs=/tls/ca.pem"
    assert cluster_options(told, 1.0)["ssl_ca_certs"] == "/tls/ca.pem"
    with pytest.raises(BadSetting, match="addressed without TLS"):
        with_authority("redis+cluster://one,two", Path("/tls/ca.pem"))
