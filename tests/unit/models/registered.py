"""What a registry may hold, who is what in it, and fetching from it in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[3]

PROGRAM = """
import sys
asked = []
def watch(event, arguments):
    if event in ("socket.getaddrinfo", "socket.connect", "socket.sendto"):
        asked.append(arguments[0] if event == "socket.getaddrinfo" else event)
        raise OSError("nobody may be asked")
sys.addaudithook(watch)
from models.mlflow_fetch import main
code = main(sys.argv[1:])
from mlflow.telemetry.client import get_telemetry_client
print("told by MLflow:", asked, get_telemetry_client())
sys.exit(code)
"""
# By these MLflow knows a test or a build, and keeps quiet of itself.
QUIET = ("PYTEST_", "CI", "GITHUB_", "GITLAB_", "BUILDKITE", "DO_NOT_TRACK", "MLFLOW_DISABLE_TELEMETRY")


def roles(client: Any, name: str) -> dict[str, str]:
    """Who is what by promotion; other aliases are the tests' own."""
    found = client.get_registered_model(name).aliases
    return {alias: str(found[alias]) for alias in ("champion", "challenger", "previous") if alias in found}


def foreign(client: Any, folder: Path, name: str, metadata: dict[str, Any], **tags: str) -> str:
    """Register, as champion, a model that we did not log: a pickle that leaves a trace when it is loaded."""
    from mlflow.models import Model

    folder.mkdir()
    (folder / "python_model.pkl").write_bytes(b"cos\nsystem\n(S'touch loaded'\ntR.")
    Model(metadata=metadata).save(str(folder / "MLmodel"))
    client.create_registered_model(name)
    version = client.create_model_version(name, str(folder), tags=tags).version
    client.set_registered_model_alias(name, "champion", version)
    return str(version)


def written_keys(folder: Path) -> tuple[Path, Path]:
    """A private and a public key of Ed25519, in files, as openssl writes them."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private, public = folder / "model.key", folder / "model.pub"
    key = Ed25519PrivateKey.generate()
    private.write_bytes(key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def run_apart(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Fetch as the worker does, in a process that knows of no test and reaches nobody."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(QUIET)}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment | {"PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
