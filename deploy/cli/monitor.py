"""monitor: the monitoring page in the foreground."""

import os
from typing import Annotated

import typer


def monitor(
    host: Annotated[str | None, typer.Option(help="Address to listen on; FRAUDML_MONITOR_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; FRAUDML_MONITOR_PORT.")
    ] = None,
    gateway: Annotated[str | None, typer.Option(help="Where a gateway answers; FRAUDML_GATEWAY_URL.")] = None,
) -> None:
    """Run the monitor here, until it is told to stop: a page for operators and analysts.

    It asks the gateway with a key of the scope users:act (FRAUDML_MONITOR_KEY), on behalf of people who sign
    in: fraudml users create.

    [bold]Examples[/]

      fraudml monitor
      fraudml monitor --port 8060 --gateway http://gateway:8000
    """
    from dashboard.server import serve
    from streams.settings import read_settings

    chosen = {"MONITOR_HOST": host, "MONITOR_PORT": port, "GATEWAY_URL": gateway}
    os.environ |= {f"FRAUDML_{name}": str(value) for name, value in chosen.items() if value is not None}
    serve(read_settings())
