"""The worker as Faust runs it: its application, opened and closed with its parts."""

import faust
import structlog
from mode.supervisors import CrashingSupervisor

from models.errors import Unavailable
from streams.agents import register
from streams.parts import Parts
from streams.settings import Settings
from streams.transport import SweepTransport
from streams.watchdog import crash

log = structlog.get_logger(__name__)

TEND_EVERY_S = 1.0


class WorkerApp(faust.App):  # type: ignore[misc]
    """Faust's application, opened and closed with the worker."""

    parts: Parts

    class BootStrategy(faust.App.BootStrategy):  # type: ignore[misc]
        enable_web = False

    async def on_start(self) -> None:
        await super().on_start()
        try:
            await self.loop.run_in_executor(self.parts.lanes[0].lane.thread, self.parts.open)
        except Unavailable:
            if not self.parts.stop.is_set():
                raise  # told to stop while it waited is no failure

    async def on_stop(self) -> None:
        self.parts.stop.set()
        # While Faust still runs: a sweep that it is handed later would never be handled, and be waited for.
        await self.loop.run_in_executor(None, self.parts.drain)
        await super().on_stop()

    async def on_shutdown(self) -> None:
        await super().on_shutdown()
        await self.loop.run_in_executor(self.parts.lanes[0].lane.thread, self.parts.close)


def build_app(settings: Settings) -> WorkerApp:
    """The worker as Faust runs it."""
    parts = Parts(settings)
    app = WorkerApp(
        settings.group_id,
        broker=f"kafka://{settings.kafka_bootstrap_servers}",
        store="memory://",
        autodiscover=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        stream_wait_empty=True,
        agent_supervisor=CrashingSupervisor,
        broker_session_timeout=settings.session_timeout_s,
        datadir=settings.home / "faust",
        web_enabled=False,
    )
    app.parts = parts
    app.transport = SweepTransport(app, parts.poller)
    topics = [settings.transactions_topic, settings.labels_topic]
    register(app, [each.lane for each in parts.lanes], topics, crash)

    @app.timer(interval=TEND_EVERY_S, name="tend")  # type: ignore[untyped-decorator]
    async def tend() -> None:
        has_labels = app.consumer.owns(settings.labels_topic, 0)
        await app.loop.run_in_executor(parts.lanes[0].lane.thread, _tend, parts, has_labels)

    return app


def _tend(parts: Parts, has_labels: bool) -> None:
    """What waits for something outside the topics. has_labels: one worker of all returns parked labels."""
    try:
        parts.release_allowed()
        if has_labels:
            parts.lanes[0].labels.return_due()
    except Unavailable as error:
        log.warning("not_tended", why=str(error))
