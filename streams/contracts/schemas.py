"""The types of the documents -> JSON Schemas, draft 2020-12."""

from typing import Any

import msgspec

from models.decision import Alert, Decision
from models.label import Label
from models.transaction import Transaction
from streams.contracts.amendments import ADDITIONS, DESCRIPTIONS, INSTEAD, UNSAID
from streams.contracts.headers import DeadLetterHeaders

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
ORIGIN = "Written by `python -m streams.contracts`."
DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "transaction": Transaction,
    "label": Label,
    "decision": Decision,
    "alert": Alert,
    "dead-letter": DeadLetterHeaders,
}


def schema_of(document: str) -> Schema:
    """The schema of a document: what its type says, and what `amendments` adds.

    Unknown fields stay allowed: topics ignore them, and only ever gain optional ones.
    """
    kind = DOCUMENTS[document]
    _, found = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    schema: Schema = _instead(found.pop(kind.__name__))
    for name in DESCRIPTIONS.keys() & schema["properties"].keys():
        schema["properties"][name]["description"] = DESCRIPTIONS[name]
    for pointer, members in ADDITIONS.get(document, {}).items():
        _at(schema, pointer).update(members)
    if document in UNSAID:
        schema["description"] += "\n\nRefused too, though no schema can say it:\n"
        schema["description"] += "".join(f"\n- {each}" for each in UNSAID[document])
    definitions = {"$defs": _instead(found)} if found else {}
    return {"$schema": DIALECT, "$comment": ORIGIN, **schema, **definitions}


def _instead(schema: Any) -> Any:
    """The same schema with the members of INSTEAD exchanged, at any depth."""
    if isinstance(schema, list):
        return [_instead(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {name: _instead(each) for name, each in schema.items()}
    for old, new in INSTEAD:
        if old.items() <= changed.items():
            changed = {name: each for name, each in changed.items() if name not in old} | new
    return changed


def _at(schema: Any, pointer: str) -> Schema:
    """What a JSON pointer points to."""
    found = schema
    for part in pointer.split("/")[1:]:
        found = found[int(part)] if isinstance(found, list) else found[part]
    assert isinstance(found, dict), pointer
    return found
