"""Where the secrets of a deployment lie that nobody has to think of: a folder, or a Secret of Kubernetes.

What is there stays as it is: a secret is added once and never changed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from deploy.jobs.cluster_secrets import ClusterSecret, in_cluster
from streams.secret_files import make_file, read_file

SECRET_NAME = "fraud-generated"


class GeneratedSecrets(Protocol):
    def read(self) -> dict[str, bytes]:
        """All of them, by the names of their files."""

    def add(self, missing: Mapping[str, bytes]) -> None:
        """Those that are not there yet; one that is there stays."""


class FolderSecrets:
    """Files of one folder, each readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> dict[str, bytes]:
        """
        Raises:
            BadSetting: a file is empty, or others may read it.
        """
        if not self._folder.is_dir():
            return {}
        files = [path for path in self._folder.iterdir() if path.is_file() and not path.name.startswith(".")]
        return {path.name: read_file(path) for path in files}

    def add(self, missing: Mapping[str, bytes]) -> None:
        """
        Raises:
            OSError: the folder cannot be written.
        """
        for name, value in missing.items():
            make_file(self._folder / name, value.decode())


@contextmanager
def pod_secrets() -> Iterator[ClusterSecret]:
    """Those of the namespace in which this pod runs.

    Raises:
        BadSetting: this is no pod, or it has no service account's token.
    """
    client, namespace = in_cluster()
    with client:
        yield ClusterSecret(client, namespace, SECRET_NAME)
