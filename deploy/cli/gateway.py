"""gateway: one gateway in the foreground."""

import os
from typing import Annotated

import typer


def gateway(
    host: Annotated[str | None, typer.Option(help="Address to listen on; FRAUDML_GATEWAY_HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; FRAUDML_GATEWAY_PORT.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="How many share it; FRAUDML_GATEWAY_PROCESSES.")
    ] = None,
) -> None:
    """Run one gateway here, until it is told to stop: decisions over HTTP.

    SIGTERM lets it answer what it has taken. Keys: fraudml keys create.

    [bold]Examples[/]

      fraudml gateway
      fraudml gateway --port 8080 --processes 2
      API_KEY=... fraudml gateway
    """
    from api.server import serve
    from streams.settings import read_settings

    chosen = {"GATEWAY_HOST": host, "GATEWAY_PORT": port, "GATEWAY_PROCESSES": processes}
    os.environ |= {f"FRAUDML_{name}": str(value) for name, value in chosen.items() if value is not None}
    serve(read_settings())
