"""The ledger's schema, step by step, forward only. Raw SQL under alembic."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from deploy.access import postgres_roles
from models.errors import BadSetting, SchemaUnknown
from streams.failures import of_postgres
from streams.files_of_secrets import newest
from streams.kinds_of_settings import masked
from streams.ledger.connection import SERVES
from streams.settings import Settings

FOLDER = Path(__file__).parent
NEWEST = "head"
LOCK = 0x667261756473  # one migration at a time, whoever starts it
# The oldest code that may go on with the newest schema. Raise it with a migration that older code cannot live
# with: then that code stops at its next connection, and has to be stopped before the migration.
SERVES_SINCE = "0011"


def upgrade(settings: Settings, to: str = NEWEST) -> None:
    """Bring the database to this version's schema, and the roles that have addresses to their rights.

    Safe to run twice, and from two places at once.

    Args:
        to: an earlier schema, for tests of what follows it.
    Raises:
        LedgerUnavailable: the database cannot be reached, or refuses.
        SchemaUnknown: it already has a schema from a newer version.
        Misuse: a role cannot be made, or names somebody who may do everything.
    """
    with _begun(settings) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.attributes["connection"] = connection
        _refuse_a_newer_schema(config, connection.execute)
        command.upgrade(config, to)
        if to == NEWEST:
            connection.execute(text(f"COMMENT ON TABLE alembic_version IS '{SERVES.format(SERVES_SINCE)}'"))
    if to == NEWEST:
        postgres_roles.apply(settings)


def current(settings: Settings) -> str | None:
    """The schema that the database has; None where it has none.

    Raises:
        LedgerUnavailable: the database cannot be reached, or refuses.
    """
    with _begun(settings) as connection:
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            return None
        return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


@contextmanager
def _begun(settings: Settings) -> Iterator[Connection]:
    """A transaction on a connection of its own."""
    owners = settings.database_url_migrator or settings.database_url
    try:
        url = make_url(newest(owners)).set(drivername="postgresql+psycopg")
    except (ArgumentError, ValueError):
        raise BadSetting(
            "DATABASE_URL, or DATABASE_URL_MIGRATOR, is no address of a Postgres database",
            next_step="write it as postgresql://user:password@host:5432/database",
        ) from None
    engine = create_engine(url, connect_args={"connect_timeout": int(settings.ledger_timeout_s)})
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        why = str(error.__cause__ or error).strip().split("\n")[0]
        where = masked(owners)
        kind = "cannot be reached" if isinstance(error, OperationalError) else "refused the migration"
        raise of_postgres(f"the database at {where} {kind}", why) from None
    finally:
        engine.dispose()


def _refuse_a_newer_schema(config: Config, execute) -> None:  # type: ignore[no-untyped-def]
    if execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    found = set(execute(text("SELECT version_num FROM alembic_version")).scalars())
    if not found <= known:
        raise SchemaUnknown(
            f"the database has schema {', '.join(sorted(found))}",
            why=f"this version knows {', '.join(sorted(known))}",
            next_step="install the version that made it, or a newer one",
        )


def head() -> str:
    """The schema that this version makes."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return str(ScriptDirectory.from_config(config).get_current_head())
