"""A peer as a child process."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from load.bench.worker_process import ChildProcess
from load.peers.peers import Peer
from models.errors import Unavailable

FIRST_S = 60.0


@dataclass
class PeerProcess(ChildProcess):
    peer: Peer = field(kw_only=True)

    @property
    def title(self) -> str:
        return self.peer.name

    def arguments(self) -> tuple[str, ...]:
        return self.peer.command[1:]

    def stop(self) -> int:
        """SIGTERM; one that does not end by it is killed, and that is its affair."""
        try:
            return super().stop()
        except subprocess.TimeoutExpired:
            return -9

    def prepare(self, folder: Path) -> None:
        """A new folder to run in, empty but for what the tool wants there.

        Raises:
            Unavailable: what it runs first has failed.
        """
        folder.mkdir()
        self.folder = folder
        if self.peer.first:
            done = subprocess.run(
                [self.python, "-m", *self.peer.first],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=FIRST_S,
                check=False,
            )
            if done.returncode:
                raise Unavailable(f"{self.title} cannot begin", why=done.stderr.strip()[-200:])
