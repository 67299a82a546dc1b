"""A worker's line to the scheduler: every call of a store passes here, before and after its effect."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from load.simulation.turns import Crashed
from models.errors import Unavailable

Note = Callable[[str, str], None]


@dataclass
class Rates:
    """Chances per scheduling point; crash_at, switch_at: more, by point.

    give_up: of a worker that has met a failure.
    """

    crash: float = 0.0
    unavailable: float = 0.0
    switch: float = 0.1
    give_up: float = 0.0
    crash_at: Mapping[str, float] = field(default_factory=dict)
    switch_at: Mapping[str, float] = field(default_factory=dict)


CALM = Rates(switch=0.05)


class Line:
    """What may happen to a worker between two of its steps."""

    def __init__(
        self, name: str, random: Random, rates: Callable[[], Rates], pause: Callable[[], None], note: Note
    ) -> None:
        self._name = name
        self._random = random
        self._rates = rates
        self._pause = pause
        self._note = note

    def note(self, what: str) -> None:
        self._note(self._name, what)

    def pause(self) -> None:
        self._pause()

    def gives_up(self) -> bool:
        return self._random.random() < self._rates().give_up

    def happens(self, chance: float) -> bool:
        return self._random.random() < chance

    def before(self, what: str, failure: type[Unavailable]) -> None:
        """Raises: Crashed, or the failure: nothing has happened yet."""
        self._point(what, failure, "before")

    def after(self, what: str, failure: type[Unavailable]) -> None:
        """Raises: Crashed, or the failure: it has happened, and the caller cannot know."""
        self._point(what, failure, "after")

    def _point(self, what: str, failure: type[Unavailable], when: str) -> None:
        rates = self._rates()
        drawn = self._random.random()
        crash = rates.crash + rates.crash_at.get(what, 0.0)
        if drawn < crash:
            self.note(f"crashes {when} {what}")
            raise Crashed
        drawn -= crash
        if drawn < rates.unavailable:
            self.note(f"meets a failure {when} {what}")
            raise failure(f"{what}: no answer")
        if drawn < rates.unavailable + rates.switch + rates.switch_at.get(what, 0.0):
            self._pause()
