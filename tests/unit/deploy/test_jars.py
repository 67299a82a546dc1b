import hashlib
from pathlib import Path

import pytest

from deploy.stack.errors import JarsMissing
from deploy.stack.jars import Jar, fetch, locked_jars, missing, read_lock
from deploy.stack.report import Report
from models.errors import BadFile

CONTENT = b"a jar"
JAR = Jar("org.example", "thing", "1.0", hashlib.sha256(CONTENT).hexdigest())


class FakeRepository:
    """Hands out files by jar; what it has not is an error, as with jgo."""

    def __init__(self, **files: bytes) -> None:
        self.files = files
        self.asked: list[str] = []

    def __call__(self, jar: Jar, folder: Path) -> Path:
        self.asked.append(jar.artifact)
        if jar.artifact not in self.files:
            raise RuntimeError(f"{jar} not found in remote repositories https://user:secret@mirror")
        path = folder / jar.group / jar.file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(self.files[jar.artifact])
        return path


def test_the_lock_is_one_jar_a_line() -> None:
    text = f"# comment\n\norg.example thing 1.0 {JAR.sha256}\n"
    assert read_lock(text) == (JAR,)
    assert JAR.file == "thing-1.0.jar"


@pytest.mark.parametrize(
    "line", ["org.example thing 1.0", "org.example thing 1.0 abc", "one two three four five"]
)
def test_a_line_that_is_something_else_is_named(line: str) -> None:
    with pytest.raises(BadFile, match="line 2 of"):
        read_lock(f"# comment\n{line}\n")


def test_our_own_lock_names_kafka_and_a_logging_backend() -> None:
    versions = {jar.artifact: jar.version for jar in locked_jars()}
    assert len(versions) == len(locked_jars()) == 45
    assert versions["kafka_2.13"] == versions["kafka-clients"] == "4.4.0"
    assert versions["log4j-slf4j-impl"] == "2.25.2"


def test_a_jar_is_fetched_once(tmp_path: Path) -> None:
    repository = FakeRepository(thing=CONTENT)
    fetch([JAR], tmp_path, resolve=repository, report=Report())
    fetch([JAR], tmp_path, resolve=repository, report=Report())
    assert repository.asked == ["thing"]
    assert [path.name for path in tmp_path.iterdir()] == ["thing-1.0.jar"]


def test_a_jar_that_is_not_what_the_lock_names_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(JarsMissing, match=r"thing-1\.0\.jar is not the file that kafka-jars\.lock names"):
        fetch([JAR], tmp_path, resolve=FakeRepository(thing=b"another jar"), report=Report())
    assert list(tmp_path.iterdir()) == []


def test_a_jar_cut_short_in_the_cache_is_fetched_again(tmp_path: Path) -> None:
    (tmp_path / JAR.file).write_bytes(CONTENT[:-1])
    assert missing([JAR], tmp_path) == [JAR]
    fetch([JAR], tmp_path, resolve=FakeRepository(thing=CONTENT), report=Report())
    assert missing([JAR], tmp_path) == []


def test_a_jar_that_nobody_has_is_one_line_without_the_address(tmp_path: Path) -> None:
    with pytest.raises(
        JarsMissing, match=r"could not be downloaded\. no repository has it\. Next:"
    ) as caught:
        fetch([JAR], tmp_path, resolve=FakeRepository(), report=Report())
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network_the_next_step_is_told(tmp_path: Path) -> None:
    def unreachable(jar: Jar, folder: Path) -> Path:
        raise ConnectionError("no route to host")

    with pytest.raises(JarsMissing, match="check the network, or set FRAUDML_JARS_REPOSITORY"):
        fetch([JAR], tmp_path, resolve=unreachable, report=Report())


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JarsMissing, match="cannot be written"):
        fetch([JAR], tmp_path / "file" / "jars", resolve=FakeRepository(), report=Report())
