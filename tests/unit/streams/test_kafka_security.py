"""What a Kafka asks for is sent; what is half set, or cannot be, is refused before anything is tried."""

from pathlib import Path
from typing import Any

import pytest

from models.errors import BadSetting
from streams.kafka import client_config, outbox_config, reader_config, worker_config
from streams.kafka_security import security_config
from streams.settings import Settings


def made(**given: Any) -> Settings:
    return Settings.model_validate(given)


SCRAM = {
    "kafka_security_protocol": "SASL_PLAINTEXT",
    "kafka_sasl_username": "worker",
    "kafka_sasl_password": "sesame",
}


def test_nothing_is_sent_to_a_kafka_that_asks_for_nothing() -> None:
    assert security_config(made()) == {}


@pytest.mark.parametrize(
    "config",
    [
        worker_config,
        outbox_config,
        lambda settings: client_config(settings, "any"),
        lambda settings: reader_config(settings, "any"),
    ],
)
def test_every_client_says_who_it_is(config: Any) -> None:
    found = config(made(**SCRAM))
    assert found["security.protocol"] == "SASL_PLAINTEXT"
    assert (found["sasl.mechanism"], found["sasl.username"], found["sasl.password"]) == (
        "SCRAM-SHA-512",
        "worker",
        "sesame",
    )


@pytest.mark.parametrize("missing", ["kafka_sasl_username", "kafka_sasl_password"])
def test_half_a_sign_in_is_refused(missing: str) -> None:
    with pytest.raises(BadSetting, match="needs a name and a password"):
        security_config(made(**{**SCRAM, missing: ""}))


@pytest.mark.parametrize("alone", ["kafka_certificate_file", "kafka_key_file"])
def test_a_certificate_and_its_key_go_together(alone: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="go together"):
        security_config(made(kafka_security_protocol="SSL", **{alone: tmp_path / "half"}))


@pytest.mark.parametrize(
    "left",
    [{"kafka_sasl_username": "worker"}, {"kafka_ca_file": "/ca.pem"}, {"kafka_certificate_file": "/a"}],
)
def test_what_would_not_be_used_is_refused(left: dict[str, str]) -> None:
    with pytest.raises(BadSetting, match=r"is PLAINTEXT.*set it to SASL_SSL or SSL"):
        security_config(made(**left))


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_that_is_no_authority_is_named(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content:
        path.write_text(content)
    with pytest.raises(BadSetting, match=r"ca.pem cannot be used\..*FRAUDML_KAFKA_CA_FILE"):
        security_config(made(kafka_security_protocol="SSL", kafka_ca_file=path))


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    for name in ("crt", "key"):
        (tmp_path / name).write_text("neither")
    files = {"kafka_certificate_file": tmp_path / "crt", "kafka_key_file": tmp_path / "key"}
    with pytest.raises(BadSetting, match=r"crt cannot be used.*FRAUDML_KAFKA_CERTIFICATE_FILE"):
        security_config(made(kafka_security_protocol="SSL", **files))
