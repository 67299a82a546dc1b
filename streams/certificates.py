"""Certificates of files, looked at before a client is made of them: what is wrong is told in one line."""

import os
import ssl
import time
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from models.errors import BadSetting
from streams.files_of_secrets import HeldAddress

# As the client of Redis takes it, in an address.
AUTHORITY = "ssl_ca_certs"


def check_authority(file: Path, variable: str, now_s: float | None = None) -> None:
    """
    Args:
        now_s: seconds since 1970; the clock's when not given.
    Raises:
        BadSetting: no certificate of an authority is there, or each one has expired.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file)
    except (OSError, ssl.SSLError) as error:
        raise _unusable(file, variable, _words(error)) from None
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]
    if not ends:
        raise _unusable(file, variable, "it holds no certificate of an authority")
    if max(ends) < (time.time() if now_s is None else now_s):
        raise _unusable(file, variable, "its certificate has expired")


def check_pair(certificate: Path, key: Path) -> None:
    """
    Raises:
        BadSetting: they cannot be read, or do not belong together. Whether the certificate has expired the
            broker says.
    """
    try:
        # A password would be asked for at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise _unusable(certificate, "FRAUDML_KAFKA_CERTIFICATE_FILE", _words(error)) from None


def with_authority(address: str, authority: Path) -> str:
    """The address, with who may sign the server's certificate in it.

    Raises:
        BadSetting: TLS is not asked for there.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("rediss", "rediss+cluster"):
        raise BadSetting(
            "FRAUDML_REDIS_CA_FILE is set, and a Redis is addressed without TLS",
            next_step="write the address as rediss://, or unset FRAUDML_REDIS_CA_FILE",
        )
    asked = dict(parse_qsl(parts.query))
    full = urlunsplit(parts._replace(query=urlencode(asked | {AUTHORITY: os.fspath(authority)}, safe="/")))
    return address.put(full) if isinstance(address, HeldAddress) else full


def _words(error: OSError) -> str:
    return str(error.strerror or error).partition(" (_ssl")[0]


def _unusable(file: Path, variable: str, why: str) -> BadSetting:
    return BadSetting(f"{file} cannot be used", why=why, next_step=f"set {variable} to a PEM file that can")
