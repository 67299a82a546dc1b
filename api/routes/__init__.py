"""All routes of the gateway, by what they are about."""

from collections.abc import Callable

from api.parts import Gateway
from api.route import Route
from api.routes.audit import Audit
from api.routes.dead_letters import DeadLetters
from api.routes.decisions import Decisions
from api.routes.keys import Keys
from api.routes.labels import Labels
from api.routes.listings import Lists
from api.routes.models import Models
from api.routes.probes import Probes
from api.routes.quality import QualityRoutes
from api.routes.reviews import Reviews
from api.routes.rules import Rules
from api.routes.sessions import Sessions
from api.routes.statistics import StatisticsRoutes
from api.routes.users import Users


def all_routes(gateway: Gateway, now_ms: Callable[[], int], version: str) -> list[Route]:
    """now_ms: the wall clock, to tell event times that lie ahead. version: of this code."""
    return [
        *Decisions(gateway, now_ms).routes(),
        *Lists(gateway).routes(),
        *Labels(gateway, now_ms).routes(),
        *Keys(gateway).routes(),
        *Sessions(gateway).routes(),
        *Users(gateway).routes(),
        *Models(gateway).routes(),
        *Rules(gateway).routes(),
        *Audit(gateway).routes(),
        *DeadLetters(gateway).routes(),
        *StatisticsRoutes(gateway, now_ms).routes(),
        *QualityRoutes(gateway, now_ms).routes(),
        *Reviews(gateway).routes(),
        *Probes(gateway, version).routes(),
    ]
