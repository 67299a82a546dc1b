"""For maintainers: write kafka-jars.lock anew with Maven. Run by `make jars-lock`; users need no Maven."""

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.stack.jars import LOCK, Jar

POM = Path(__file__).with_name("kafka-jars.pom.xml")
WITHIN_S = 300


def copy_with_maven(folder: Path) -> None:
    """All that the pom needs to run, in a Maven repository's layout, so that the paths tell the groups."""
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", "-Dmdep.useRepositoryLayout=true")
    where = (f"-DoutputDirectory={folder}", f"--file={POM}")
    subprocess.run(
        ("mvn", "--quiet", "--batch-mode", "-Dstyle.color=never", *goal, *where), check=True, timeout=WITHIN_S
    )


def jar_of(path: Path, folder: Path) -> Jar:
    """Read group, artifact and version from group/as/folders/artifact/version/artifact-version.jar."""
    *group, artifact, version, name = path.relative_to(folder).parts
    jar = Jar(".".join(group), artifact, version, hashlib.sha256(path.read_bytes()).hexdigest())
    if jar.file != name:
        raise SystemExit(f"{name} has a classifier, which the lock cannot say")
    return jar


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_with_maven(folder)
        jars = sorted(jar_of(path, folder) for path in folder.rglob("*.jar"))
    LOCK.write_text("".join(" ".join(jar) + "\n" for jar in jars))
    sys.stderr.write(f"{LOCK.name}: {len(jars)} jars\n")


if __name__ == "__main__":
    main()
