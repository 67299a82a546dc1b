"""Whether what somebody does was refused by the gateway: the answer's status says so too, at the door."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Refusals:
    """Of the request that is being answered. met: an action of it was refused to whoever acts."""

    met: bool = False


# Set at the door; what answers runs in a context of its own, but notes it in the same object.
REFUSALS: ContextVar[Refusals] = ContextVar("refusals")
