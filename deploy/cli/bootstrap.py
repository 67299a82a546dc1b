"""bootstrap, mlflow: what a deployment runs once before its workers, and the registry beside them."""

from contextlib import nullcontext
from enum import StrEnum
from typing import Annotated

import typer

from deploy.cli.terminal import reporting, say

Keeper = StrEnum("Keeper", ["folder", "kubernetes"])


def bootstrap(
    first_models: Annotated[
        bool, typer.Option("--first-models", help="Train and promote models where none is registered.")
    ] = False,
    secrets: Annotated[
        Keeper,
        typer.Option(help="Where generated secrets are: secrets/ of the home, or the pod's namespace."),
    ] = Keeper.folder,
    within: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long each store is waited for.")
    ] = 300,
) -> None:
    """Prepare your own stores for workers and gateways, once: schema, topics, secrets, first models.

    It does what is missing and changes nothing of what is there, so it may run before every start; of two at
    once the second waits for the first. First models are trained on simulated customers: train others on your
    own data soon. A pair of keys that signs models goes with them. Kubernetes keeps the secrets in
    fraud-generated.

    [bold]Examples[/]

      fraudml bootstrap
      fraudml bootstrap --first-models
      fraudml bootstrap --first-models --secrets kubernetes --within 600
    """
    from deploy.jobs.bootstrapping import bootstrap as run
    from deploy.jobs.generated_secrets import FolderSecrets, pod_secrets
    from streams.settings import read_settings

    settings = read_settings()
    folder = FolderSecrets(settings.home)
    with (
        reporting() as report,
        pod_secrets() if secrets == Keeper.kubernetes else nullcontext(folder) as kept,
    ):
        changed = run(settings, kept, report, models=first_models, within_s=within)
    say("bootstrap: done" if changed else "bootstrap: all was there, nothing was changed")


def mlflow(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 5000,
    database: Annotated[str, typer.Option(help="Its database, on the server of DATABASE_URL.")] = "mlflow",
    artifacts: Annotated[
        str, typer.Option(help="Where models lie: a folder, or an address such as s3://bucket/path.")
    ] = "/var/lib/mlflow",
    within: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long Postgres is waited for.")
    ] = 300,
) -> None:
    """Run MLflow's server here, on the Postgres of DATABASE_URL, until it is told to stop.

    Its database is made where there is none; that needs the right to. MLFLOW_BACKEND_STORE_URI, where it is
    set, is used as it is. Whoever reaches it may change models: let nobody in but workers, gateways and jobs.

    [bold]Examples[/]

      fraudml mlflow --artifacts ./artifacts
      fraudml mlflow --host 0.0.0.0 --artifacts s3://fraud-models/artifacts
    """
    from deploy.jobs.mlflow_serving import serve_mlflow
    from streams.settings import read_settings

    with reporting() as report:
        serve_mlflow(read_settings(), report, host, port, database, artifacts, within_s=within)
