"""How clients of Kafka prove who they are, and whom they believe to be a broker: TLS, SASL, or neither."""

from typing import Any

from models.errors import BadSetting
from streams.certificates import check_authority, check_pair
from streams.files_of_secrets import newest_secret
from streams.settings import Settings


def security_config(settings: Settings) -> dict[str, Any]:
    """What every client of this deployment needs for it; nothing where Kafka asks for nothing.

    Raises:
        BadSetting: something that the protocol needs is missing, or a file is no usable certificate or key.
    """
    protocol = settings.kafka_security_protocol
    if protocol == "PLAINTEXT":
        _refuse_leftovers(settings)
        return {}
    found: dict[str, Any] = {"security.protocol": protocol}
    if protocol.endswith("SSL"):
        found |= _tls(settings)
    if protocol.startswith("SASL"):
        found |= _sasl(settings)
    return found


def _refuse_leftovers(settings: Settings) -> None:
    """Whoever sets a password means it to be asked for: sending nothing would be a silent surprise."""
    if settings.kafka_sasl_username or settings.kafka_ca_file or settings.kafka_certificate_file:
        raise BadSetting(
            "FRAUDML_KAFKA_SECURITY_PROTOCOL is PLAINTEXT, which asks for no name and no certificate",
            next_step="set it to SASL_SSL or SSL, or unset FRAUDML_KAFKA_SASL_* and FRAUDML_KAFKA_*_FILE",
        )


def _sasl(settings: Settings) -> dict[str, Any]:
    name, password = settings.kafka_sasl_username, newest_secret(settings.kafka_sasl_password)
    if not name or not password:
        raise BadSetting(
            f"{settings.kafka_security_protocol} needs a name and a password",
            next_step="set FRAUDML_KAFKA_SASL_USERNAME and FRAUDML_KAFKA_SASL_PASSWORD, or its _FILE",
        )
    return {
        "sasl.mechanism": settings.kafka_sasl_mechanism,
        "sasl.username": name,
        "sasl.password": password,
    }


def _tls(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if authority := settings.kafka_ca_file:
        check_authority(authority, "FRAUDML_KAFKA_CA_FILE")
        found["ssl.ca.location"] = str(authority)
    certificate, key = settings.kafka_certificate_file, settings.kafka_key_file
    if (certificate is None) != (key is None):
        raise BadSetting(
            "a certificate and its key go together",
            next_step="set both FRAUDML_KAFKA_CERTIFICATE_FILE and FRAUDML_KAFKA_KEY_FILE, or neither",
        )
    if certificate and key:
        check_pair(certificate, key)
        found |= {"ssl.certificate.location": str(certificate), "ssl.key.location": str(key)}
    return found
