"""The watcher: a thread that looks up what is in force, and puts what is new in force between two sweeps."""

from collections.abc import Callable
from random import Random
from threading import Event, Thread

import structlog

from models.errors import FraudError
from models.scorer import Scorer
from streams.metrics import Metrics

log = structlog.get_logger(__name__)

EVERY_S = 2.0


class Watcher:
    """Calls `look` every two seconds or so, and holds what it answered last.

    look: the new scorer, or None where nothing has changed. Failures change nothing, and are logged when they
    begin. Sweeps take `scorer` when they begin, so a change falls between two of them.
    """

    scorer: Scorer

    def __init__(
        self,
        look: Callable[[], Scorer | None],
        metrics: Metrics,
        *,
        random: Random,
        every_s: float = EVERY_S,
    ) -> None:
        self._look = look
        self._metrics = metrics
        self._random = random
        self._every_s = every_s
        self._failing = ""
        self._stop = Event()
        self._thread = Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def look(self) -> None:
        """One look.

        Raises:
            Unavailable: something cannot be asked.
            ModelRejected: a model is not what it claims to be, and there is no other of its alias.
        """
        scorer = self._look()
        if scorer is not None:
            self._swap(scorer)

    def look_again(self) -> None:
        """One look, by a worker that has something to go on with.

        Whatever goes wrong, the next look is made: a thread that ends here would never take a change again.
        """
        try:
            self.look()
        except FraudError as error:
            self._fails(error.code, error)
        except Exception as error:
            self._fails(type(error).__name__, error)
        else:
            self._failing = ""
            self._metrics.lookups_failing.set(0)

    def _fails(self, kind: str, error: Exception) -> None:
        self._metrics.lookups_failing.set(1)
        if kind != self._failing:
            unnamed = None if isinstance(error, FraudError) else error
            log.warning("not_looked_up", why=str(error), exc_info=unnamed)
        self._failing = kind

    def _watch(self) -> None:
        while not self._stop.wait(self._every_s * self._random.uniform(0.75, 1.25)):
            self.look_again()

    def _swap(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self._metrics.in_force(scorer)
        for variant, model in zip(scorer.variants, scorer.models, strict=True):
            log.info("model_in_force", variant=variant.name, model=model.name, version=model.version)
        log.info("rules_in_force", policy=scorer.policy.version, ab=scorer.router.config.version)
