"""Opening a gateway: what it needs before it answers, looked for on a thread of its own until it is there."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread

import structlog

from models.ab_test import ABTestRouter
from models.errors import FraudError
from models.scorer import Scorer
from models.without_model import WithoutModel
from streams.ledger.rules import Rules
from streams.opening import patience
from streams.watcher import Watcher

log = structlog.get_logger(__name__)

USEFUL_S = 2.0
Reach = Callable[[], object]


class Opening:
    """It answers once what is needed is there and a model was looked for once; it is ready once there is one.

    needed: calls that must succeed. useful: calls that the first requests would have too little time for,
    tried for a while. begin: called in this order, just before it answers.
    """

    _without_model: WithoutModel  # once it answers

    def __init__(
        self,
        watcher: Watcher,
        rules: Callable[[], Rules],
        *,
        needed: Sequence[Reach],
        useful: Sequence[Reach],
        begin: Sequence[Reach],
    ) -> None:
        self._watcher = watcher
        self._rules = rules
        self._needed = needed
        self._useful = useful
        self._begin = begin
        self._stop, self._answers, self._has_model = Event(), Event(), Event()

    @property
    def answers(self) -> bool:
        return self._answers.is_set()

    @property
    def is_ready(self) -> bool:
        """Without a model it decides, yet others shall be asked first."""
        return self.answers and self._has_model.is_set() and not self._stop.is_set()

    @property
    def model(self) -> Scorer | None:
        """What scores here; None before there is a model."""
        return self._watcher.scorer if self._has_model.is_set() else None

    @property
    def decides(self) -> Scorer:
        """Once it answers."""
        return self.model or self._without_model

    def start(self) -> None:
        Thread(target=self.run, name="opening", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
        self._watcher.stop()

    def run(self) -> None:
        """Whatever is missing or wrong, it may be mended while we wait: a model, the ledger or its schema."""
        insist = patience(self._stop, errors=(FraudError,))
        try:
            for reach in self._needed:
                insist(reach)
            rules = insist(self._rules)
            self._without_model = WithoutModel(ABTestRouter(rules.split), rules.policy)
            self._look_once()
            self._reach_useful()
            for begin in self._begin:
                begin()
            self._answers.set()
            if not self._has_model.is_set():
                insist(self._watcher.look)
                self._has_model.set()
        except FraudError:
            return  # told to stop before it was ready
        self._watcher.start()
        log.info("gateway_ready")

    def _look_once(self) -> None:
        """Nothing is decided without a model only because it is still being read."""
        try:
            self._watcher.look()
        except FraudError as error:
            log.warning("no_model", why=str(error))
        else:
            self._has_model.set()

    def _reach_useful(self) -> None:
        """Whoever is away now may be back when somebody asks."""
        insist = patience(self._stop, USEFUL_S)
        for reach in self._useful:
            with suppress(FraudError):
                insist(reach)
