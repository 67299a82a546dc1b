import hashlib
from pathlib import Path

import pytest

from deploy.stack.jars import Jar
from deploy.stack.lock_jars import jar_of


def test_a_path_of_a_maven_repository_tells_group_artifact_and_version(tmp_path: Path) -> None:
    path = tmp_path / "org/apache/kafka/kafka-clients/4.4.0/kafka-clients-4.4.0.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"jar")
    expected = Jar("org.apache.kafka", "kafka-clients", "4.4.0", hashlib.sha256(b"jar").hexdigest())
    assert jar_of(path, tmp_path) == expected


def test_a_classifier_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "org/example/thing/1.0/thing-1.0-linux.jar"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"jar")
    with pytest.raises(SystemExit, match="classifier"):
        jar_of(path, tmp_path)
