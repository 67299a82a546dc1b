"""Where a peer keeps what it does, apart from ours and from other peers."""

import os
from dataclasses import dataclass

from models.features import Entity
from streams.view.keys import short_key

PEER = "FRAUDML_PEER"
GROUP = "FRAUDML_GROUP_ID"
ALERTS = "FRAUDML_ALERTS_TOPIC"


@dataclass(frozen=True, slots=True)
class Place:
    """name: of the peer, such as `quix-event`."""

    name: str

    @classmethod
    def of_this_process(cls) -> "Place":
        return cls(os.environ[PEER])

    @property
    def schema(self) -> str:
        """Of Postgres: it holds a table `decisions` of the peer's own."""
        return f"peer_{self.name.replace('-', '_')}"

    @property
    def prefix(self) -> str:
        """Of its histories' keys."""
        return f"peer:{self.name}:"

    @property
    def alerts_topic(self) -> str:
        return f"alerts-{self.name}"

    def key(self, entity: Entity, name: str) -> str:
        return self.prefix + short_key(entity, name)
