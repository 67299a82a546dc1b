"""The brokers that the Kafka client brings along for tests of its own: any of them can be taken down.

Python's part of the client does not offer them, so the library that it loads is asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_char_p, c_int, c_int32, c_size_t, c_void_p, create_string_buffer
from pathlib import Path

import confluent_kafka

PRODUCER = 0
# Of each function: what it gives, and what it takes.
FUNCTIONS = {
    "conf_new": (c_void_p, []),
    "new": (c_void_p, [c_int, c_void_p, c_char_p, c_size_t]),
    "destroy": (None, [c_void_p]),
    "mock_cluster_new": (c_void_p, [c_void_p, c_int]),
    "mock_cluster_destroy": (None, [c_void_p]),
    "mock_cluster_bootstraps": (c_char_p, [c_void_p]),
    "mock_topic_create": (c_int, [c_void_p, c_char_p, c_int, c_int]),
    "mock_coordinator_set": (c_int, [c_void_p, c_char_p, c_char_p, c_int32]),
    "mock_broker_set_down": (c_int, [c_void_p, c_int32]),
    "mock_broker_set_up": (c_int, [c_void_p, c_int32]),
}


def library() -> Path | None:
    """The library as the client's wheel has it; None where it came another way."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    return next(iter(sorted(folder.glob("librdkafka*"))), None)


class MockCluster:
    """address: for clients. Brokers are numbered from 1."""

    def __init__(self, library: CDLL, cluster: int) -> None:
        self._library = library
        self._cluster = cluster
        self.address = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()

    def make_topic(self, name: str) -> None:
        self._library.rd_kafka_mock_topic_create(self._cluster, name.encode(), 1, 1)

    def coordinate(self, kind: str, name: str, broker: int) -> None:
        """Which broker is the coordinator of a group or a transactional id."""
        self._library.rd_kafka_mock_coordinator_set(self._cluster, kind.encode(), name.encode(), broker)

    def take_down(self, broker: int) -> None:
        self._library.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def bring_up(self, broker: int) -> None:
        self._library.rd_kafka_mock_broker_set_up(self._cluster, broker)


@contextmanager
def mock_cluster(library: Path, brokers: int) -> Iterator[MockCluster]:
    loaded = CDLL(str(library))
    for name, (gives, takes) in FUNCTIONS.items():
        function = getattr(loaded, f"rd_kafka_{name}")
        function.restype, function.argtypes = gives, takes
    words = create_string_buffer(512)
    client = loaded.rd_kafka_new(PRODUCER, loaded.rd_kafka_conf_new(), words, len(words))
    assert client, words.value.decode()
    cluster = loaded.rd_kafka_mock_cluster_new(client, brokers)
    try:
        yield MockCluster(loaded, cluster)
    finally:
        loaded.rd_kafka_mock_cluster_destroy(cluster)
        loaded.rd_kafka_destroy(client)
