"""What decides: the models behind the aliases of the split, and the policy; looked up again and again.

A version that is not here yet is fetched and verified first. What cannot be had or does not prove itself
changes nothing: the last good one stays, and the log says why.
"""

from collections.abc import Callable
from time import monotonic

import numpy as np
import structlog

from models.ab_test import ABTestRouter, Variant, create_default_ab_config
from models.errors import ModelRejected, RegistryUnavailable
from models.features import FEATURES
from models.manifest import load_verified
from models.model_folder import ModelFolder
from models.scorer import Model, Scorer
from models.signature import public_key
from streams.ledger.rules import Rules
from streams.registry import Registered, fetch_apart, registered
from streams.settings import Settings

log = structlog.get_logger(__name__)

# What failed is not fetched again at every look: a process is started for it each time.
REFUSED_FOR_S = 60.0
AWAY_FOR_S = 10.0

Place = tuple[str, str]  # registered model and alias


def all_registered(settings: Settings) -> bool:
    """Whether the registry answers and has a version for every variant of the default split."""
    try:
        for variant in create_default_ab_config().variants:
            registered(settings, variant.model_name, variant.alias)
    except RegistryUnavailable:
        return False
    return True


class InForce:
    """Looks up what is in force. Not for several threads at once.

    rules: the policy and the split that hold now. clock: seconds, to try a refused version again.

    Raises:
        BadSetting: the key that models must be signed with is none.
    """

    def __init__(
        self,
        settings: Settings,
        rules: Callable[[], Rules],
        refused: Callable[[str], None] = lambda name: None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        if settings.model_public_key is not None:
            # Else it would be seen at the next promotion, when no new model comes in any more.
            public_key(settings.model_public_key)
        self._settings = settings
        self._rules = rules
        self._note_refused = refused
        self._clock = clock
        self._folder = ModelFolder(settings.home / "models")
        self._models: dict[Place, Model] = {}
        self._registered: dict[Place, Registered] = {}
        self._failed: dict[tuple[str, Registered], float] = {}
        self._last: list[Rules | Model] = []

    def look(self) -> Scorer | None:
        """The scorer of now, or None if nothing has changed since the last look.

        Raises:
            Unavailable: the rules cannot be read, or a model is neither here nor to be had now.
            ModelRejected: a model is not what it claims to be, and there is no other of its alias.
        """
        rules = self._rules()
        models = [self._model(variant) for variant in rules.split.variants]
        # By the models themselves: another registry may give another model the same number.
        found: list[Rules | Model] = [rules, *models]
        if found == self._last:
            return None
        self._last = found
        return Scorer(ABTestRouter(rules.split), models, rules.policy)

    def _model(self, variant: Variant) -> Model:
        """The model of one variant; the last good one while there is no newer one to be had."""
        place = (variant.model_name, variant.alias)
        known = self._models.get(place)
        try:
            found = registered(self._settings, *place)
            if known is not None and found == self._registered.get(place):
                return known
            model = self._fetched(place, found)
            self._registered[place] = found
        except (RegistryUnavailable, ModelRejected) as error:
            model = known or self._remembered(place, error)
        self._models[place] = model
        return model

    def _fetched(self, place: Place, found: Registered) -> Model:
        name, alias = place
        version = found.version
        if self._failed.get((name, found), 0.0) > self._clock():
            raise RegistryUnavailable(f"{name} version {version} could not be had a moment ago")
        try:
            version = self._at_hand(name, alias, found)
            model = _warm(load_verified(self._folder.folder(name, version)))
        except RegistryUnavailable:
            self._failed[name, found] = self._clock() + AWAY_FOR_S
            raise
        except ModelRejected as error:
            self._failed[name, found] = self._clock() + REFUSED_FOR_S
            self._note_refused(name)
            log.error("model_refused", model=name, version=version, why=str(error))
            raise
        self._folder.remember(name, alias, version)
        return model

    def _at_hand(self, name: str, alias: str, found: Registered) -> str:
        """The version that is in the local folder now, fetched by whichever worker comes first.

        Another registry, or one made anew, may have given the same number to another model.
        """
        if self._folder.has(name, *found):
            return found.version
        with self._folder.turn(name, self._settings.registry_timeout_s):
            if self._folder.has(name, *found):
                return found.version
            return fetch_apart(self._settings, self._folder, name, alias)

    def _remembered(self, place: Place, error: RegistryUnavailable | ModelRejected) -> Model:
        """What was good when this alias was last looked up, by this worker or one before it."""
        known = self._folder.remembered(*place)
        if known is None:
            raise error
        log.warning(error.code, why=str(error), model=place[0], stays=known)
        return _warm(load_verified(self._folder.folder(place[0], known)))


def _warm(model: Model) -> Model:
    """The first question takes longer than all others."""
    nothing = np.zeros((1, len(FEATURES)), np.float32)
    model.predict(nothing)
    model.explain(nothing)
    return model
