"""`mlflow server` as one process: run as `python -m deploy.stack.mlflow_server server ...`.

The command of MLflow prepares its database, then starts the web server as a child and waits for it. Killed
alone, it would leave the child on the port, and the one started in its place could never bind. So the process
becomes the web server instead of starting it; what it is told is MLflow's own doing.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NoReturn

import mlflow.server
from mlflow.cli import cli

STARTS_THE_WEB_SERVER = "_exec_cmd"


def become(command: Sequence[str], *, extra_env: Mapping[str, str], **_: object) -> NoReturn:
    os.execve(command[0], list(command), {**os.environ, **extra_env})


def main() -> None:
    if not hasattr(mlflow.server, STARTS_THE_WEB_SERVER):
        raise SystemExit(
            "this MLflow starts its web server in another way: adapt deploy/stack/mlflow_server.py"
        )
    setattr(mlflow.server, STARTS_THE_WEB_SERVER, become)
    cli()


if __name__ == "__main__":
    main()
