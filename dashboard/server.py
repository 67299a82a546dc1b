"""Serving the monitor: one process, its own server. Dash's own start would leave a child behind."""

import time
from datetime import UTC, datetime

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector

from dashboard.gateway import GatewayClient
from dashboard.metrics import MonitorMetrics
from dashboard.proxied import NamedByProxy
from models.errors import BadSetting
from streams.health import health_app
from streams.health import serve as serve_health
from streams.logs import set_up_logs
from streams.secret_files import monitor_key_of
from streams.settings import Settings

DRAIN_S = 3

log = structlog.get_logger(__name__)


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT.

    Raises:
        BadSetting: there is no key to ask the gateway with, or the port of the metrics is taken.
    """
    import uvicorn

    from dashboard.app import build_app

    set_up_logs(settings.log_level)
    monitor_key_of(settings)  # one that is missing is told before anybody asks
    metrics = MonitorMetrics(CollectorRegistry())
    tell_metrics(metrics, settings)
    gateway = GatewayClient(settings.gateway_url, lambda: monitor_key_of(settings), heard=metrics.asked)
    origins = [each.strip() for each in settings.monitor_origins.split(",") if each.strip()]
    proxied = NamedByProxy(settings.monitor_user_header, settings.trusted_proxies)
    app = build_app(
        gateway,
        origins=origins,
        proxied=proxied,
        now=lambda: datetime.now(UTC),
        clock=time.monotonic,
        metrics=metrics,
    )
    uvicorn.run(
        app,
        host=settings.monitor_host,
        port=settings.monitor_port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        # A client's address must stay that of the connection: by it proxies are known.
        proxy_headers=False,
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )


def tell_metrics(metrics: MonitorMetrics, settings: Settings) -> int:
    """On a port of its own, as a worker's: the page's is public, and a person's session opens no metrics. The
    port.

    Raises:
        BadSetting: it is taken.
    """
    ProcessCollector(registry=metrics.registry)
    registry = metrics.registry if settings.prometheus_enabled else None
    app = health_app(registry, stuck_for_s=lambda: 0.0, ready=lambda: True)
    host, port = settings.metrics_host, settings.monitor_metrics_port
    try:
        taken = serve_health(app, host, port).server_port
    except OSError as error:
        raise BadSetting(
            f"the monitor's metrics cannot be told at {host}:{port}",
            why=str(error.strerror),
            next_step="set FRAUDML_MONITOR_METRICS_PORT to another port, or to 0 for a free one",
        ) from None
    log.info("health", port=taken)
    return taken
