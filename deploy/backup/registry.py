"""Where MLflow keeps its database and its artifacts: by setting, or as the embedded stack has them."""

from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from deploy.stack.postgres import DATABASES
from models.errors import BadSetting
from streams.settings import Settings

DATABASE = "mlflow"


class RegistryStore(NamedTuple):
    """database_url: of Postgres. artifacts: the folder from which the tracking server serves them; None where
    they lie elsewhere, such as in a bucket."""

    database_url: str
    artifacts: Path | None


def registry_of(settings: Settings) -> RegistryStore | None:
    """None where nothing says where it is.

    Raises:
        BadSetting: the folder of artifacts is none of this machine.
    """
    if given := settings.mlflow_database_url.get_secret_value():
        plain = _url(given).set(drivername="postgresql").render_as_string(hide_password=False)
        return RegistryStore(plain, _folder(settings.mlflow_artifacts))
    password = settings.home / "secrets" / f"postgres-{DATABASES[DATABASE]}"
    artifacts = settings.home / "data" / DATABASE
    # Only beside the stack's own Postgres: it may have another one's address instead.
    if not artifacts.is_dir() or not password.is_file() or not _is_embedded(settings):
        return None
    url = make_url(settings.database_url).set(
        database=DATABASE, username=DATABASES[DATABASE], password=password.read_text()
    )
    return RegistryStore(url.render_as_string(hide_password=False), artifacts)


def _is_embedded(settings: Settings) -> bool:
    own = settings.home / "secrets" / "postgres-fraudml"
    return own.is_file() and make_url(settings.database_url).password == own.read_text()


def _url(given: str) -> URL:
    try:
        return make_url(given)
    except (ArgumentError, ValueError):
        # The library's own words would quote it, password and all.
        raise BadSetting(
            "FRAUDML_MLFLOW_DATABASE_URL is no address of a Postgres database",
            next_step="write it as postgresql://user:password@host:5432/mlflow",
        ) from None


def _folder(given: str) -> Path | None:
    if not given or urlsplit(given).scheme not in ("", "file"):
        return None
    path = Path(unquote(urlsplit(given).path))
    if not path.is_dir():
        raise BadSetting(
            f"FRAUDML_MLFLOW_ARTIFACTS is no folder: {path}",
            next_step="set it to what `mlflow server` was given as --artifacts-destination",
        )
    return path
