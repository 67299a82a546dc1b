"""Models: which versions there are, and which of them decide."""

from starlette.requests import Request
from starlette.responses import Response

from api import bodies
from api.examples import MODEL, PROMOTION
from api.orders import AskedPromotion, AskedRollback, Promoted, order_in
from api.parts import Gateway
from api.reply import reply_with
from api.route import Route, known, many
from models.promotions import Promotion
from streams.model_desk import known_model

PROBLEMS = (*bodies.OF_ORDERS, "not_found", "misuse")


class Models:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def routes(self) -> list[Route]:
        made = {200: known("Promoted", {**PROMOTION, "notes": []})}
        asked = [known("AskedPromotion", {"alias": "champion", "version": "2", "why": "better on May"})]
        back = [known("AskedRollback", {"alias": "champion", "why": "alerts doubled"})]
        shown, path = {200: many("models", "Model", MODEL)}, "/v1/models/{name}"
        return [
            Route("GET", "/v1/models", self.list, shown, "stats:read"),
            Route("POST", f"{path}/promote", self.promote, made, "models:admin", asked, PROBLEMS),
            Route("POST", f"{path}/rollback", self.roll_back, made, "models:admin", back, PROBLEMS),
        ]

    async def list(self, request: Request) -> Response:
        """Each model's versions and aliases, and who promoted what when and why."""
        admin = self._gateway.administration
        return reply_with(request, {"models": await admin.ask_registry(admin.models.shown)})

    async def promote(self, request: Request, name: str) -> Response:
        """Let a version decide. Workers verify it and take it between two sweeps, within seconds."""
        admin, order = self._gateway.administration, await order_in(request, AskedPromotion)
        who, notes = request.state.key.actor, list[str]()
        made = await admin.ask_registry(
            admin.models.promote,
            known_model(name),
            order.alias,
            order.version,
            who=who,
            why=order.why,
            say=notes.append,
        )
        return _told(request, made, notes)

    async def roll_back(self, request: Request, name: str) -> Response:
        """Put back the version that stood in that place before; once more undoes it."""
        admin, order = self._gateway.administration, await order_in(request, AskedRollback)
        who, notes = request.state.key.actor, list[str]()
        made = await admin.ask_registry(
            admin.models.roll_back, known_model(name), order.alias, who=who, why=order.why, say=notes.append
        )
        return _told(request, made, notes)


def _told(request: Request, made: Promotion, notes: list[str]) -> Response:
    fields = {name: getattr(made, name) for name in made.__struct_fields__}
    return reply_with(request, Promoted(**fields, notes=notes))
