"""Serving the monitor: one process, its own server. Dash's own start would leave a child behind."""

import time
from datetime import UTC, datetime

from dashboard.gateway import GatewayClient
from dashboard.proxied import NamedByProxy
from streams.logs import set_up_logs
from streams.secret_files import monitor_key_of
from streams.settings import Settings

DRAIN_S = 3


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT.

    Raises:
        BadSetting: there is no key to ask the gateway with.
    """
    import uvicorn

    from dashboard.app import build_app

    set_up_logs(settings.log_level)
    monitor_key_of(settings)  # one that is missing is told before anybody asks
    gateway = GatewayClient(settings.gateway_url, lambda: monitor_key_of(settings))
    origins = [each.strip() for each in settings.monitor_origins.split(",") if each.strip()]
    proxied = NamedByProxy(settings.monitor_user_header, settings.trusted_proxies)
    app = build_app(
        gateway, origins=origins, proxied=proxied, now=lambda: datetime.now(UTC), clock=time.monotonic
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
