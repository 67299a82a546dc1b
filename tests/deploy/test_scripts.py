"""What Postgres and Redis are told, out of the guide's addresses: their pods' scripts, run with a double."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.rendering import K8S, documents, of_kind

# In place of the server: tells how it was called.
DOUBLE = '#!/bin/sh\necho "arguments: $*"\nenv | grep ^POSTGRES_ | sort\n[ "$1" = - ] && cat\nexit 0\n'
SECRET = "p\" \\x'$(id) ä"
ENCODED = "p%22%20%5Cx%27%24%28id%29%20%C3%A4"

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    for name in ("valkey-server", "docker-entrypoint.sh"):
        (tmp_path / name).write_text(DOUBLE)
        (tmp_path / name).chmod(0o755)

    def run(file: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (owner,) = of_kind(tuple(documents(K8S / file)), "StatefulSet")
        (container,) = owner["spec"]["template"]["spec"]["containers"]
        path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [*container["command"], *container["args"]],
            env={"PATH": path, "LC_ALL": "C.UTF-8"} | environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    return run


def as_bytes(secret: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in secret.encode())


def test_postgres_gets_account_and_database_of_the_address(script: Script) -> None:
    done = script("postgres.yaml", DATABASE_URL=f"postgresql://fr%40ud:{ENCODED}@fraud-db:5432/fraud_db?a=b")
    assert done.stdout.splitlines() == [
        "arguments: postgres -c synchronous_commit=on -c max_connections=200",
        "POSTGRES_DB=fraud_db",
        f"POSTGRES_PASSWORD={SECRET}",
        "POSTGRES_USER=fr@ud",
    ]


@pytest.mark.parametrize(
    "address",
    ["postgresql://fraud-db:5432/fraud_db", "postgresql://fraud@fraud-db/x", "postgresql://a:b@fraud-db"],
)
def test_postgres_does_not_start_without_a_password(script: Script, address: str) -> None:
    done = script("postgres.yaml", DATABASE_URL=address)
    assert done.returncode == 2
    assert "put them into Secret fraud-secrets" in done.stderr
    assert done.stdout == ""


def test_redis_hears_the_password_by_standard_input_alone(script: Script) -> None:
    done = script("redis.yaml", REDIS_URL=f"redis://:{ENCODED}@fraud-redis:6379/0")
    arguments, *config = done.stdout.splitlines()
    assert arguments == "arguments: - --appendonly yes --save  --dir /data"
    assert config == [f'requirepass "{as_bytes(SECRET)}"']


def test_redis_makes_the_account_that_the_address_names(script: Script) -> None:
    done = script("redis.yaml", REDIS_URL="redis://fraud:secret@fraud-redis:6379/0")
    assert done.stdout.splitlines()[1:] == [
        f'requirepass "{as_bytes("secret")}"',
        f'user fraud on ">{as_bytes("secret")}" ~* &* +@all',
    ]


def test_redis_without_a_password_says_so(script: Script) -> None:
    done = script("redis.yaml", REDIS_URL="redis://fraud-redis:6379/0")
    assert "only the network policies keep others out" in done.stderr
    assert "--protected-mode no" in done.stdout
