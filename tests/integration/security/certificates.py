"""Certificates for tests: an authority, what it has signed, and some that have expired."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)


class Authority:
    """Signs certificates; its own is `file`. days: how long it and they last, from yesterday on."""

    def __init__(self, folder: Path, name: str = "authority", days: int = 2) -> None:
        self._folder = folder
        self._days = days
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(name)
        self._certificate = self._signed(self._name, self._key, authority=True)
        self.file = _write(folder / f"{name}.pem", _pem(self._certificate))

    def issue(self, name: str, days: int | None = None, host: str = "localhost") -> tuple[Path, Path]:
        """The files of a certificate and of its key: for this machine, or for another host."""
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._signed(_named(name), key, authority=False, days=days, host=host)
        certificate = _write(self._folder / f"{name}.crt", _pem(signed))
        return certificate, _write(self._folder / f"{name}.key", _key_pem(key))

    def _signed(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        authority: bool,
        days: int | None = None,
        host: str = "localhost",
    ) -> x509.Certificate:
        begin = datetime.now(UTC) - 3 * DAY
        end = datetime.now(UTC) + (self._days if days is None else days) * DAY
        here = [x509.IPAddress(IPv4Address("127.0.0.1"))] if host == "localhost" else []
        hosts = x509.SubjectAlternativeName([x509.DNSName(host), *here])
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(hosts, critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
