"""Serving a gateway, by one process or several that share a port."""

import os
import secrets
import tempfile

from streams.secret_files import answer_key_of, pepper_of
from streams.settings import Settings

DRAIN_S = 10
# Named, so that one that is missing is an error and not a slower one in its place.
LOOP, PARSER = "uvloop", "api.heads:BoundedHead"


def serve(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; what has been taken is answered.

    Raises:
        BadSetting: a secret cannot be had.
    """
    import uvicorn

    # Made here, where they are missing: the processes below would all make them at once.
    for secret_of in (pepper_of, answer_key_of):
        secret_of(settings, secrets.token_bytes)
    with tempfile.TemporaryDirectory(prefix="fraudml-metrics-") as folder:
        # Read when the metrics' library is imported, so before anything of the gateway is.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        uvicorn.run(
            "api.serving:create",
            factory=True,
            host=settings.gateway_host,
            port=settings.gateway_port,
            workers=settings.gateway_processes,
            loop=LOOP,
            http=PARSER,
            # Else it is believed of whoever is on this machine.
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=settings.trusted_proxies,
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
