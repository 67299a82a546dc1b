"""List what is installed, and what each image installs, as CycloneDX. The tool checks it by the schema.

Run by `make sbom`, as `python -m deploy.audit.components FOLDER_OF_TOOLS FOLDER`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from packaging.requirements import Requirement

from deploy.audit.locks import ROOT
from deploy.audit.tool_output import Unsure, output_of
from deploy.audit.verdict import FAILED, OK

IMAGES = ("system", "dashboard", "mlflow")
# What decides which lines of a lock an image installs.
ENVIRONMENT = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "python_version": "3.11",
    "python_full_version": "3.11.0",
}
OUTPUT = ("--output-reproducible", "--validate", "--of", "JSON", "-o")


def for_linux(lock: str) -> str:
    """The packages of a lock that an image gets, with their hashes."""
    kept, lines = True, []
    for line in lock.splitlines():
        if line and not line[0].isspace():
            marker = Requirement(line.removesuffix("\\").strip()).marker
            kept = marker is None or marker.evaluate(ENVIRONMENT)
        if kept:
            lines.append(line)
    return "\n".join(lines) + "\n"


def list_installed(tool: str, file: Path) -> None:
    python, project = sys.executable, str(ROOT / "pyproject.toml")
    output_of([tool, "environment", python, "--pyproject", project, *OUTPUT, str(file)], ROOT)


def list_locked(tool: str, lock: str, file: Path) -> None:
    with NamedTemporaryFile("w", suffix=".txt") as packages:
        packages.write(for_linux(lock))
        packages.flush()
        output_of([tool, "requirements", packages.name, *OUTPUT, str(file)], ROOT)


def main(arguments: Sequence[str]) -> int:
    tool, folder = str(Path(arguments[0]).absolute() / "cyclonedx-py"), Path(arguments[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / "sbom.json", *(folder / f"sbom-{image}.json" for image in IMAGES)]
    try:
        list_installed(tool, files[0])
        for image, file in zip(IMAGES, files[1:], strict=True):
            list_locked(tool, (ROOT / f"requirements-{image}.lock").read_text(), file)
    except Unsure as error:
        sys.stderr.write(f"not listed: {error}\n")
        return FAILED
    for file in files:
        sys.stdout.write(f"{file.name}: {len(json.loads(file.read_text())['components'])} components\n")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
