"""Card numbers, which must not be written down anywhere: found in texts by network, length and check digit.

Sources: ISO/IEC 7812 (Luhn's check digit in annex B); the networks' published ranges.
"""

import contextlib
import re
from typing import Any

import msgspec

# Ranges of first digits, and how many digits the numbers have.
NETWORKS = (
    r"4(?:\d{12}|\d{15}|\d{18})",  # Visa
    r"(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}",  # Mastercard
    r"3[47]\d{13}",  # American Express
    r"(?:6011|64[4-9]\d|65\d{2})\d{12,15}",  # Discover
    r"35(?:2[89]|[3-8]\d)\d{12,15}",  # JCB
    r"(?:30[0-5]\d|3[689]\d{2})\d{10,15}",  # Diners Club
    r"62\d{14,17}",  # UnionPay
    r"(?:50|5[6-8]|63|67)\d{11,17}",  # Maestro
)
NUMBER = re.compile("|".join(f"(?:{each})" for each in NETWORKS), re.ASCII)
SHORTEST = 13
# As people write them, too: groups with a space or a hyphen between.
CANDIDATE = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,}", re.ASCII)
DIGITS = re.compile(r"\d+", re.ASCII)
# The commonest ids of transactions: by chance, every 3,000th of the random ones would hold a number.
UUID = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}(?![0-9a-z])",
    re.ASCII | re.IGNORECASE,
)
# A record without any of these in its bytes holds none: as many digits, an exponent, an escaped sign. Asked
# one by one: of their alternatives the search takes twice as long.
SUSPECTS = (re.compile(rb"\d[\d -]{12}"), re.compile(rb"\d[eE]"), re.compile(rb"\\u"))


def holds_card_number(text: str) -> bool:
    """Whether a run of digits in a text, grouped or not, is a card number. Long ids of digits may be one by
    chance: of those with a network's first digits and length, every tenth. UUIDs are read as such."""
    for candidate in CANDIDATE.finditer(UUID.sub("|", text)):
        runs = [re.sub("[ -]", "", candidate[0]), *DIGITS.findall(candidate[0])]
        if any(NUMBER.fullmatch(run) and luhn(run) for run in runs):
            return True
    return False


def record_holds_card_number(raw: bytes | None) -> bool:
    """In its text as it came, or as JSON would have it read."""
    if raw is None or not any(suspect.search(raw) for suspect in SUSPECTS):
        return False
    text = raw.decode("utf-8", "replace")
    with contextlib.suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
        text += "|" + msgspec.json.encode(msgspec.json.decode(raw)).decode()
    return holds_card_number(text)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    odd = sum(int(digit) for digit in digits[-1::-2])
    even = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (odd + even) % 10 == 0


def as_text(value: Any) -> str:
    """A value of a flat document as its digits would be read."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
