"""Where the secrets of a deployment lie that nobody has to think of: a folder, or a Secret of Kubernetes.

What is there stays as it is: a secret is added once and never changed.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from deploy.jobs.cluster_secrets import ClusterSecret, in_cluster
from streams.secret_files import FOLDER, SIGNING_FOLDER, SIGNING_KEY_FILE, make_file, read_file

SECRET_NAME = "fraud-generated"


class GeneratedSecrets(Protocol):
    def read(self) -> dict[str, bytes]:
        """All of them, by the names of their files."""

    def add(self, missing: Mapping[str, bytes]) -> None:
        """Those that are not there yet; one that is there stays."""


class FolderSecrets:
    """Files of a home, each readable by its owner alone. What signs models lies in a folder of its own: the
    other one is there for workers and gateways too.
    """

    def __init__(self, home: Path) -> None:
        self._home = home

    def read(self) -> dict[str, bytes]:
        """
        Raises:
            BadSetting: a file is empty, or others may read it.
        """
        folders = [self._home / FOLDER, self._home / SIGNING_FOLDER]
        files = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
        whole = [path for path in files if path.is_file() and not path.name.startswith(".")]
        return {path.name: read_file(path) for path in whole}

    def add(self, missing: Mapping[str, bytes]) -> None:
        """
        Raises:
            OSError: the folder cannot be written.
        """
        for name, value in missing.items():
            folder = SIGNING_FOLDER if name == SIGNING_KEY_FILE else FOLDER
            make_file(self._home / folder / name, value.decode())


@contextmanager
def pod_secrets() -> Iterator[ClusterSecret]:
    """Those of the namespace in which this pod runs.

    Raises:
        BadSetting: this is no pod, or it has no service account's token.
    """
    client, namespace = in_cluster()
    with client:
        yield ClusterSecret(client, namespace, SECRET_NAME)
