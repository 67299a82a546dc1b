"""What a gateway needs for cases: the ledger, on threads of their own, and the log of verdicts."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from api.bulkhead import Bulkhead
from api.cursors import Cursors
from api.producing import Producing
from api.verdict_log import SEND_S, KafkaLabels, VerdictLog
from models.errors import FraudError
from models.finding import Finding
from models.review import CaseDocument, Times
from models.shared_key import SharedKey
from streams.ledger.review_queue import CaseView, QueueAsk, QueuePage
from streams.ledger.reviews import PostgresReviews
from streams.settings import Settings

WITHIN_S, BULK_S = 5.0, 30.0


class Reviewing:
    """cursor_key: shared by all gateways. Many cases at once hold up nobody who has a single one."""

    def __init__(self, settings: Settings, cursor_key: bytes | SharedKey, producing: Producing) -> None:
        self.cursors = Cursors(cursor_key)
        times = Times(timedelta(seconds=settings.review_hold_s), timedelta(seconds=settings.review_undo_s))
        url, timeout_s = settings.database_url, settings.ledger_timeout_s
        opened = partial(PostgresReviews, url, timeout_s, times=times)
        self._single, self._many, self._sending = (
            opened(f"fraudml-{name}") for name in ("reviews", "bulk-reviews", "verdicts")
        )
        self._single_thread, self._many_thread = Bulkhead("reviews", WITHIN_S), Bulkhead("bulk", BULK_S)
        send = KafkaLabels(producing, settings.labels_topic, SEND_S).send
        self._log = VerdictLog(self._sending, send)
        self._started = False

    def start(self) -> None:
        """Send verdicts from now on."""
        self._log.start()
        self._started = True

    def close(self) -> None:
        """What was not sent waits for the next gateway."""
        if self._started:
            self._log.stop()
        for thread in (self._single_thread, self._many_thread):
            thread.close()
        for store in (self._single, self._many, self._sending):
            store.close()

    async def queue(self, ask: QueueAsk) -> QueuePage:
        return await self._single_thread.run(self._single.queue, ask)

    async def view(self, transaction_id: str) -> CaseView:
        return await self._single_thread.run(self._single.view, transaction_id)

    async def take(self, transaction_id: str, actor: str) -> CaseDocument:
        return await self._act(self._single.take, transaction_id, actor)

    async def release(self, transaction_id: str, actor: str) -> CaseDocument:
        return await self._act(self._single.release, transaction_id, actor)

    async def undo(self, transaction_id: str, actor: str) -> CaseDocument:
        return await self._act(self._single.undo, transaction_id, actor)

    async def decide(self, transaction_id: str, actor: str, finding: Finding) -> CaseDocument:
        return await self._single_thread.run(self._single.decide, transaction_id, actor, finding)

    async def decide_all(
        self, transaction_ids: list[str], actor: str, finding: Finding
    ) -> list[CaseDocument | FraudError]:
        return await self._many_thread.run(self._many.decide_all, transaction_ids, actor, finding)

    async def _act(
        self, action: Callable[[str, str], CaseDocument], transaction_id: str, actor: str
    ) -> CaseDocument:
        return await self._single_thread.run(action, transaction_id, actor)
