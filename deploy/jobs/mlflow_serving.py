"""MLflow's server on a Postgres of the user's: its database beside the ledger's."""

import os
import sys
from typing import NoReturn

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

from deploy.jobs.awaiting_stores import await_stores, stores_awaited
from deploy.stack.report import Report
from models.errors import LedgerUnavailable
from streams.settings import Settings

BACKEND = "MLFLOW_BACKEND_STORE_URI"
# One process, without its job runner, that tells its makers nothing.
OURS = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
}


def serve_mlflow(
    settings: Settings,
    report: Report,
    host: str,
    port: int,
    database: str,
    artifacts: str,
    *,
    within_s: float,
) -> NoReturn:
    """Becomes the server, which ends with this process.

    Raises:
        Unavailable: Postgres is not there in time, or does not let us make a database.
    """
    if not os.environ.get(BACKEND):
        await_stores(stores_awaited(settings, registry=False)[:1], report, within_s)
        os.environ[BACKEND] = backend_of(settings, database)
        if make_database(settings, database):
            report.note(f"database {database}: made")
    os.environ.update({name: os.environ.get(name, value) for name, value in OURS.items()})
    where = ("--host", host, "--port", str(port), "--workers", "1")
    store = ("--serve-artifacts", "--artifacts-destination", artifacts)
    command = (sys.executable, "-m", "deploy.stack.mlflow_server", "server", *where, *store)
    os.execv(command[0], command)


def backend_of(settings: Settings, database: str) -> str:
    """The address by which MLflow finds its database, with the driver that we have."""
    url = make_url(settings.database_url).set(drivername="postgresql+psycopg", database=database)
    return url.render_as_string(hide_password=False)


def make_database(settings: Settings, database: str) -> bool:
    """False where it is there already.

    Raises:
        LedgerUnavailable: Postgres refuses.
    """
    there = "SELECT 1 FROM pg_database WHERE datname = %s"
    try:
        with psycopg.connect(settings.database_url, autocommit=True) as connection:
            if connection.execute(there, [database]).fetchone():
                return False
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
    except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
        return False  # another server of it has just done so
    except psycopg.Error as error:
        user = conninfo_to_dict(settings.database_url).get("user", "us")
        raise LedgerUnavailable(
            f"Postgres does not let {user} make the database {database}",
            why=str(error).strip().split("\n")[0],
            next_step=f"make it by hand, or set {BACKEND}",
        ) from None
    return True
