"""Proxies of a drill before Postgres and Redis."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

from deploy.jobs.benchmarks import worker_environment
from deploy.stack.stack import Stack
from load.chaos.proxy import FaultProxy


@contextmanager
def behind_proxies(stack: Stack) -> Iterator[tuple[dict[str, str], dict[str, FaultProxy]]]:
    """What a program is told that shall reach Postgres and Redis through them."""
    settings = stack.settings
    addresses = {"valkey": settings.redis_url, "postgres": settings.database_url}
    environment = worker_environment(stack)
    proxies: dict[str, FaultProxy] = {}
    with ExitStack() as cleanup:
        for part, url in addresses.items():
            there = urlsplit(url)
            assert there.hostname is not None
            assert there.port is not None
            proxies[part] = FaultProxy(there.hostname, there.port)
            own_port = proxies[part].start()
            cleanup.callback(proxies[part].stop)
            # Of every role: it is where all of them go.
            environment |= {
                variable: value.replace(f":{there.port}/", f":{own_port}/")
                for variable, value in environment.items()
                if variable.startswith(("DATABASE_URL", "REDIS_URL"))
            }
        yield environment, proxies
