"""What the fuzzer cannot know by itself; it loads this as its hooks."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context: Any, value: Any) -> bytes:
    """The document describes such bodies as text."""
    return str(value).encode("utf-8", "surrogatepass")
