"""What values of settings may be, and what is shown of them."""

import ipaddress
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from streams.files_of_secrets import HeldAddress

# To the last @: a password that was not percent-encoded, as of `openssl rand -base64`, may hold any sign.
PASSWORD_IN_ADDRESS = re.compile(r"(://[^:/?#@\s]*:)\S*@")
PASSWORD_FIELD = re.compile(r"(password=)('(?:[^'\\]|\\.)*'|[^&\s]*)", re.IGNORECASE)

SHORTEST_SECRET = 16
# The longest window and its label delay are 37 days, and a record may be 3 days late.
FEWEST_DAYS_KEPT = 40
# A hundred years: a moment so long ago can still be reckoned with.
MOST_DAYS_KEPT = 36_500
Port = Annotated[int, Field(ge=0, le=65535)]


def _kept_as_held(value: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """Which file it came from is not lost: it is read again for each new connection."""
    return value if isinstance(value, HeldAddress) else check(value)


def _long_enough(secret: SecretStr) -> SecretStr:
    if 0 < len(secret.get_secret_value()) < SHORTEST_SECRET:
        raise ValueError(f"a secret has at least {SHORTEST_SECRET} characters")
    return secret


def _kept_long_enough(days: int | None) -> int | None:
    if days is not None and days < FEWEST_DAYS_KEPT:
        raise ValueError(f"histories and late labels need the decisions of {FEWEST_DAYS_KEPT} days")
    if days is not None and days > MOST_DAYS_KEPT:
        raise ValueError(f"for longer than {MOST_DAYS_KEPT} days is for ever: leave it unset")
    return days


def _lower(value: Any) -> Any:
    """The user's guide writes levels in capitals, as the standard library does."""
    return value.lower() if isinstance(value, str) else value


def _addresses(text: str) -> str:
    """The server would take a word that is none for a name, and believe nobody."""
    for each in filter(None, map(str.strip, text.split(","))):
        ipaddress.ip_network(each)
    return text


# With a password in it, as a rule.
Address = Annotated[str, WrapValidator(_kept_as_held)]
Key = Annotated[SecretStr, AfterValidator(_long_enough)]
DaysKept = Annotated[int | None, AfterValidator(_kept_long_enough)]
Networks = Annotated[str, AfterValidator(_addresses)]  # addresses and networks, with commas
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)]


def masked(value: Any) -> str:
    """A setting as it may be shown: a password is hidden, wherever a client takes it from."""
    return PASSWORD_FIELD.sub(r"\1****", PASSWORD_IN_ADDRESS.sub(r"\1****@", str(value)))
