"""The contracts as texts of files, and whether a folder holds just these."""

import json
from pathlib import Path

import yaml

from streams.contracts.asyncapi import asyncapi
from streams.contracts.schemas import DOCUMENTS, ORIGIN, schema_of

FOLDER = Path(__file__).parent
ASYNCAPI = "asyncapi.yaml"


def contract_files() -> dict[str, str]:
    """Every file of the contracts, by name."""
    schemas = {f"{each}.schema.json": json.dumps(schema_of(each), indent=2) + "\n" for each in DOCUMENTS}
    text = yaml.dump(asyncapi(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return schemas | {ASYNCAPI: f"# {ORIGIN}\n{text}"}


def write(folder: Path) -> None:
    """Make the folder's files those of the contracts; a schema that belongs to no document goes."""
    for spare in _found(folder).keys() - contract_files().keys():
        (folder / spare).unlink()
    for name, text in contract_files().items():
        (folder / name).write_text(text, encoding="utf-8")


def differing(folder: Path) -> list[str]:
    """Names of files that are missing, are not what the types give, or belong to no document."""
    expected, found = contract_files(), _found(folder)
    return sorted(name for name in expected | found if expected.get(name) != found.get(name))


def _found(folder: Path) -> dict[str, str]:
    files = [*folder.glob("*.schema.json"), *folder.glob(ASYNCAPI)]
    return {file.name: file.read_text(encoding="utf-8") for file in files}


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Paragraphs stay paragraphs; no anchors, which a reader would have to follow."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
