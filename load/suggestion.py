"""What somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ "did you mean 'label'? There are: customer_id, label", or only the second half if nothing is close."""
    names = list(known)
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), by_lower, n=1)
    guess = f"did you mean {by_lower[close[0]]!r}? " if close else ""
    return f"{guess}There are: {', '.join(names)}"
