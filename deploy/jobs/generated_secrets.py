"""Where the secrets of a deployment lie that nobody has to think of: a folder, or a Secret of Kubernetes.

What is there stays as it is: a secret is added once and never changed.
"""

import os
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx

from deploy.stack.errors import ClusterRefused
from models.errors import Unavailable
from streams.secret_files import make_file, read_file

SECRET_NAME = "fraud-generated"
ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_S = 10.0
# Somebody else changed the Secret between our reading and our writing: each time it is read again.
TRIES = 5


class GeneratedSecrets(Protocol):
    @property
    def where(self) -> str: ...
    def read(self) -> dict[str, str]:
        """All of them, by the names of their files."""

    def add(self, made: Mapping[str, str]) -> None:
        """Those that are not there yet; one that is there stays."""


class FolderSecrets:
    """Files of one folder, each readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def where(self) -> str:
        return str(self._folder)

    def read(self) -> dict[str, str]:
        """
        Raises:
            BadSetting: a file is empty, or others may read it.
        """
        if not self._folder.is_dir():
            return {}
        files = [path for path in sorted(self._folder.iterdir()) if path.is_file()]
        return {path.name: read_file(path).decode() for path in files if not path.name.startswith(".")}

    def add(self, made: Mapping[str, str]) -> None:
        for name, value in made.items():
            make_file(self._folder / name, value)


class ClusterSecrets:
    """The Secret `fraud-generated` of a namespace, read and made by its API.

    api: has the server's address, its certificate authority and the account's token.
    """

    def __init__(self, api: httpx.Client, namespace: str) -> None:
        self._api = api
        self._all = f"/api/v1/namespaces/{namespace}/secrets"
        self.where = f"secret {SECRET_NAME} of namespace {namespace}"

    def read(self) -> dict[str, str]:
        """
        Raises:
            ClusterRefused: the account may not.
            Unavailable: the API does not answer.
        """
        found = self._found()
        return {} if found is None else _decoded(found)

    def add(self, made: Mapping[str, str]) -> None:
        """
        Raises:
            ClusterRefused, Unavailable: as above.
        """
        for _ in range(TRIES):
            found = self._found()
            answer = self._create(made) if found is None else self._complete(found, made)
            if answer.status_code != httpx.codes.CONFLICT:
                _checked(answer)
                return
        raise Unavailable(f"{self.where} is changed by somebody else again and again")

    def _found(self) -> dict[str, Any] | None:
        answer = self._ask("GET", f"{self._all}/{SECRET_NAME}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return dict(_checked(answer).json())

    def _create(self, made: Mapping[str, str]) -> httpx.Response:
        metadata = {"name": SECRET_NAME, "labels": {"app.kubernetes.io/part-of": "fraud-detection"}}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": _encoded(made)}
        return self._ask("POST", self._all, json=body)

    def _complete(self, found: dict[str, Any], made: Mapping[str, str]) -> httpx.Response:
        """Refused by the server where the Secret is no longer what was read."""
        there = found.get("data") or {}
        missing = {name: value for name, value in made.items() if name not in there}
        version = {"resourceVersion": found["metadata"]["resourceVersion"]}
        return self._ask(
            "PATCH",
            f"{self._all}/{SECRET_NAME}",
            json={"metadata": version, "data": _encoded(missing)},
            headers={"Content-Type": "application/merge-patch+json"},
        )

    def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._api.request(method, path, **more)
        except httpx.HTTPError as error:
            raise Unavailable("the API of Kubernetes does not answer", why=str(error)) from error


def cluster_secrets(
    environment: Mapping[str, str] = os.environ, account: Path = ACCOUNT_FOLDER
) -> ClusterSecrets:
    """Those of the namespace in which this pod runs.

    Raises:
        ClusterRefused: this is no pod, or it has no service account's token.
    """
    try:
        token, namespace = ((account / name).read_text().strip() for name in ("token", "namespace"))
        host, port = environment["KUBERNETES_SERVICE_HOST"], environment["KUBERNETES_SERVICE_PORT"]
    except (OSError, KeyError) as error:
        raise ClusterRefused(
            "secrets cannot be kept in Kubernetes from here",
            why=f"this is no pod with a service account's token ({error})",
            next_step="run it as deploy/k8s does, or use --secrets folder",
        ) from None
    address = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    verify = httpx.create_ssl_context(verify=str(account / "ca.crt"), trust_env=False)
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(
        base_url=address, headers=headers, verify=verify, timeout=TIMEOUT_S, trust_env=False
    )
    return ClusterSecrets(client, namespace)


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    if answer.is_server_error:
        raise Unavailable("the API of Kubernetes fails", why=f"status {answer.status_code}")
    raise ClusterRefused(
        f"the API of Kubernetes refused to {answer.request.method} secret {SECRET_NAME}",
        why=f"status {answer.status_code}",
        next_step="let the service account create secrets, and get and patch this one",
    )


def _encoded(values: Mapping[str, str]) -> dict[str, str]:
    return {name: b64encode(value.encode()).decode() for name, value in values.items()}


def _decoded(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: b64decode(value).decode() for name, value in (found.get("data") or {}).items()}
