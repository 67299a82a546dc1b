"""A Secret of the cluster, filled bit by bit: what is missing is added, what is there stays.

Several jobs may do so at once. Each write names the version that it was worked out from (`resourceVersion`),
so the API server refuses all but one of them; the others look again.
"""

import base64
import binascii
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from models.errors import BadSetting, ClusterRefused, ClusterUnavailable

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
API_SERVER = "https://kubernetes.default.svc"
TIMEOUT_S = 10.0
# Whoever loses a race this often does not meet a few jobs, but something that writes all the time.
MOST_TRIES = 20


def in_cluster(account: Path = ACCOUNT) -> tuple[httpx.Client, str]:
    """A client with the rights of this pod's service account, and the pod's namespace. Close it after use.

    Raises:
        BadSetting: this is no pod, or one without its account's token.
    """
    try:
        token = (account / "token").read_text().strip()
        namespace = (account / "namespace").read_text().strip()
    except OSError as error:
        raise BadSetting(
            "there is no service account to ask the cluster with",
            why=f"{error.filename}: {error.strerror}",
            next_step="run this in the bootstrap job's pod, or use `--secrets folder`",
        ) from None
    client = httpx.Client(
        base_url=API_SERVER,
        headers={"Authorization": f"Bearer {token}"},
        verify=_trusted(account / "ca.crt"),
        timeout=TIMEOUT_S,
        trust_env=False,
    )
    return client, namespace


class ClusterSecret:
    """One Secret by name; it need not exist yet."""

    def __init__(self, client: httpx.Client, namespace: str, name: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._all = f"/api/v1/namespaces/{namespace}/secrets"
        self._one = f"{self._all}/{name}"

    def read(self) -> dict[str, bytes]:
        """Its values by key; none where it does not exist.

        Raises:
            ClusterUnavailable: the API server does not answer.
            ClusterRefused: the account may not read it.
        """
        return self._decoded(self._found())

    def add(self, missing: Mapping[str, bytes]) -> None:
        """Add the keys that are not there yet, all or none of them; no value that is there changes.

        Raises:
            ClusterUnavailable: the API server does not answer, or others write without end.
            ClusterRefused: the account may not write it, or the Secret is immutable.
        """
        for _ in range(MOST_TRIES):
            found = self._found()
            lacking = {key: value for key, value in missing.items() if key not in self._decoded(found)}
            if not lacking or self._written(found, lacking):
                return
        raise ClusterUnavailable(
            f"{self._named()} cannot be written", why=f"it was changed {MOST_TRIES} times meanwhile"
        )

    def _found(self) -> dict[str, Any] | None:
        answer = self._asked("GET", self._one)
        return None if answer.status_code == httpx.codes.NOT_FOUND else self._object(answer)

    def _written(self, found: dict[str, Any] | None, lacking: Mapping[str, bytes]) -> bool:
        """False: somebody else was quicker."""
        data = {key: base64.b64encode(value).decode() for key, value in lacking.items()}
        answer = self._made(data) if found is None else self._patched(found, data)
        # The latter: it was there a moment ago, and has been deleted since.
        if answer.status_code in (httpx.codes.CONFLICT, httpx.codes.NOT_FOUND):
            return False
        self._object(answer)
        return True

    def _made(self, data: Mapping[str, str]) -> httpx.Response:
        named = {"name": self._name, "namespace": self._namespace}
        body = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": named, "data": data}
        return self._asked("POST", self._all, json=body)

    def _patched(self, found: dict[str, Any], data: Mapping[str, str]) -> httpx.Response:
        body = {"metadata": {"resourceVersion": found["metadata"]["resourceVersion"]}, "data": data}
        how = {"Content-Type": "application/merge-patch+json"}
        return self._asked("PATCH", self._one, json=body, headers=how)

    def _asked(self, method: str, path: str, **rest: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **rest)
        except httpx.HTTPError as error:
            raise ClusterUnavailable("the cluster's API server does not answer", why=str(error)) from None
        if answer.status_code >= 500 or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise ClusterUnavailable("the cluster's API server cannot answer", why=_why(answer))
        return answer

    def _object(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code >= 400:
            raise ClusterRefused(
                f"{self._named()} may not be read or written here",
                why=_why(answer),
                next_step="apply deploy/k8s/bootstrap.yaml: its Role gives the job's account the rights",
            )
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not isinstance(found, dict) or found.get("kind") != "Secret":
            raise ClusterUnavailable(
                "what answers is not the cluster's API server", why="the answer holds no Secret"
            )
        return found

    def _decoded(self, found: dict[str, Any] | None) -> dict[str, bytes]:
        data = (found or {}).get("data") or {}
        try:
            return {key: base64.b64decode(value, validate=True) for key, value in data.items()}
        except (binascii.Error, TypeError):
            raise ClusterUnavailable(
                "what answers is not the cluster's API server", why="a value is not base64"
            ) from None

    def _named(self) -> str:
        return f"Secret {self._name} of the namespace {self._namespace}"


def _trusted(authority: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authority))
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(
            "the cluster's certificate authority cannot be read",
            why=f"{authority}: {error}",
            next_step="mount the service account's volume whole",
        ) from None


def _why(answer: httpx.Response) -> str:
    """What a Status object says. Never the body as it is: it may hold values."""
    try:
        message = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        return f"it answers {answer.status_code}"
    return f"it answers {answer.status_code}: {message}"
