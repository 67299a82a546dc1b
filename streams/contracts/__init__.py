"""The contracts of the topics as files: a JSON Schema per document, and `asyncapi.yaml` over them.

The types in `models/` are the source; `amendments` adds what the types leave to code, `headers` what a dead
letter's headers are. `python -m streams.contracts` writes the files anew, with `--check` it only compares.
"""
