"""An id in the path of an address."""

from urllib.parse import quote

DOTS = (".", "..")  # whoever follows an address would resolve them


def as_segment(text: str) -> str:
    """Quoted: one segment of a path, whatever is in it."""
    return text.replace(".", "%2E") if text in DOTS else quote(text, safe="")
