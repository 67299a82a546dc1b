"""Put a backup back: everything is filled and checked beside the live ledger, then the two change names."""

import getpass
import os
import secrets
import shutil
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from deploy import migrations
from deploy.backup.database import Server, database_of, their_errors
from deploy.backup.errors import BadBackup, CannotBackUp, TargetInUse
from deploy.backup.log_now import LogNow, log_now, progress_of, refuse_another_log, undecided
from deploy.backup.manifest import ARTIFACTS, LEDGER, MODELS, REGISTRY, Manifest
from deploy.backup.pg_tools import Tools, tools_for, words
from deploy.backup.places import manifest_of, place_of, refuse_strangers
from deploy.backup.registry import RegistryStore, registry_of
from deploy.backup.sealing import identities_of
from deploy.backup.staging import fetched, files_below, scratch
from deploy.stack.report import Report
from models.errors import SchemaUnknown
from streams.ledger.restores import Origin, PostgresRestores
from streams.settings import Settings

NAME = "fraudml-restore"
# What a ledger holds as soon as it is made.
OF_ANY_LEDGER = frozenset(("alembic_version", "ledger", "restores", "reconcile_rounds"))
# Another server's transactions: what they number says nothing here, and alerts would be told again by it.
FORGET_WRITERS = "ALTER TABLE decisions ALTER COLUMN written_in TYPE xid8 USING NULL::xid8"


class Orders(NamedTuple):
    """backup: its address. identity: a file of age secret keys. new_log: Kafka's topics were lost too.
    replace: what the live ledger holds may go; it is kept under another name.
    """

    backup: str
    identity: Path | None = None
    new_log: bool = False
    replace: bool = False
    who: str | None = None
    why: str = ""


class _Plan(NamedTuple):
    """Everything that was found out before anything was touched."""

    manifest: Manifest
    folder: Path
    now: LogNow
    tools: Tools
    owner: str
    registry: RegistryStore | None
    holds: dict[str, int]


def restore(settings: Settings, orders: Orders, report: Report) -> dict[str, Any]:
    """Put a backup in the place of the live ledger, and models where they were.

    Raises:
        BadBackup: it is damaged, encrypted to others, or none of ours.
        SchemaUnknown: a newer version made it.
        CannotBackUp: a right, a role or a program is missing.
        TargetInUse: the live ledger holds something, or is in use.
        OtherLog: Kafka's topics are not those that it goes on from.
        Unavailable: a store is away.
    """
    began = time.monotonic()
    place = place_of(orders.backup)
    manifest = manifest_of(place)
    _refuse_unfit(manifest, settings, orders)
    refuse_strangers(place, manifest)
    with Server(settings.database_url).opened() as server, scratch() as folder:
        server.hold()
        report.waiting("looking at what is there")
        owner, major = server.facts()
        _refuse_servers(manifest, server, major)
        server.refuse_sessions()
        holds = _held(settings.database_url)
        if holds and not orders.replace:
            raise TargetInUse(
                f"the database {server.live} holds {words(holds)}",
                next_step="fraudml restore --replace, which keeps them in a database of another name",
            )
        now = log_now(settings)
        refuse_another_log(manifest, now, orders.new_log)
        identities = identities_of(orders.identity) if orders.identity else []
        clear = fetched(place, manifest, identities, folder, report)
        registry = registry_of(settings)
        plan = _Plan(manifest, clear, now, tools_for(max(major, manifest.dumped_by)), owner, registry, holds)
        return _restored(settings, orders, plan, server, report, began)


def _restored(
    settings: Settings, orders: Orders, plan: _Plan, server: Server, report: Report, began: float
) -> dict[str, Any]:
    aside = f"{server.live}_before_{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with server.fresh(plan.owner) as url:
        report.waiting(f"restoring {plan.manifest.rows['decisions']:,} decisions")
        _fill(url, plan)
        ledger_id = _begin_anew(settings, url, orders, plan)
        server.refuse_sessions()
        put_back = _restore_models(settings, plan, report)
        server.swap(aside)
    if not plan.holds:
        server.drop(aside)
    progress = progress_of(plan.manifest)
    for each in plan.manifest.left_out:
        report.note(f"not in the backup: {each}")
    return {
        "backup": plan.manifest.name,
        "taken_at": plan.manifest.taken_at.isoformat(),
        "ledger_id": ledger_id,
        "rows": dict(plan.manifest.rows),
        "put_back": [LEDGER, *put_back],
        "kept_aside": aside if plan.holds else None,
        "read_again": {} if orders.new_log else plan.now.read_again(progress),
        "lost": _lost(plan) if orders.new_log else None,
        "seconds": round(time.monotonic() - began, 3),
    }


def _refuse_unfit(manifest: Manifest, settings: Settings, orders: Orders) -> None:
    if manifest.schema > migrations.head():
        raise SchemaUnknown(
            f"the backup has schema {manifest.schema}",
            why=f"this version knows up to {migrations.head()}",
            next_step="install the version that made it, or a newer one",
        )
    if manifest.currency != settings.currency:
        raise BadBackup(
            f"the backup is of a deployment in {manifest.currency}, and this one is in {settings.currency}",
            next_step="set FRAUDML_CURRENCY, or name another backup",
        )
    if manifest.encrypted and orders.identity is None:
        raise BadBackup("the backup is encrypted", next_step="fraudml restore --identity KEYFILE")


def _refuse_servers(manifest: Manifest, server: Server, major: int) -> None:
    if major < manifest.server:
        raise CannotBackUp(
            f"this server is PostgreSQL {major}, and the backup is of {manifest.server}",
            next_step=f"restore into PostgreSQL {manifest.server} or newer",
        )
    if missing := server.missing_roles(manifest.roles):
        raise CannotBackUp(
            f"the server has no role {', '.join(missing)}",
            why="something in the backup was granted to it",
            next_step="make the roles first, as for a new deployment",
        )


def _held(url: str) -> dict[str, int]:
    """Tables that hold something, and how many rows; what every ledger holds is left out."""
    with their_errors(), psycopg.connect(url, application_name=NAME) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        names = sorted({str(name) for (name,) in found} - OF_ANY_LEDGER)
        counts = {name: _count(connection, name) for name in names}
    return {name: count for name, count in counts.items() if count}


def _count(connection: Any, table: str) -> int:
    query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table))
    return int(connection.execute(query).fetchone()[0])


def _fill(url: str, plan: _Plan) -> None:
    """All rows, proven to be as many as were dumped; indexes last."""
    dump = str(plan.folder / LEDGER)
    options = [
        "--exit-on-error",
        "--no-owner",
        f"--role={plan.owner}",
        f"--dbname={database_of(url)}",
    ]
    jobs = f"--jobs={min(4, os.cpu_count() or 1)}"
    plan.tools.run("pg_restore", url, [*options, "--section=pre-data", dump])
    plan.tools.run("pg_restore", url, [*options, "--section=data", jobs, dump])
    with their_errors(), psycopg.connect(url, autocommit=True, application_name=NAME) as connection:
        for table, rows in plan.manifest.rows.items():
            if (found := _count(connection, table)) != rows:
                raise BadBackup(f"the dump holds {found:,} rows of {table}, and {rows:,} were counted")
        connection.execute(FORGET_WRITERS)
    plan.tools.run("pg_restore", url, [*options, "--section=post-data", jobs, dump])
    with their_errors(), psycopg.connect(url, autocommit=True, application_name=NAME) as connection:
        connection.execute("ANALYZE")


def _begin_anew(settings: Settings, url: str, orders: Orders, plan: _Plan) -> str:
    """Bring it to this version's schema, and give it a name of its own."""
    migrations.upgrade(settings.model_copy(update={"database_url": url}))
    origin = Origin(plan.manifest.name, plan.manifest.taken_at, plan.manifest.ledger_id)
    restored = plan.now.restored(progress_of(plan.manifest))
    with closing(PostgresRestores(url, settings.scan_timeout_s, NAME)) as restores:
        who = orders.who or getpass.getuser()
        return restores.begin_anew(origin, restored, actor=who, why=orders.why)


def _restore_models(settings: Settings, plan: _Plan, report: Report) -> list[str]:
    """The registry in one transaction, files one by one: done again, it changes nothing."""
    done, included = [], plan.manifest.included
    if REGISTRY in included and plan.registry is not None:
        report.waiting("restoring MLflow")
        url = plan.registry.database_url
        options = ["--single-transaction", "--clean", "--if-exists", "--no-owner", "--no-privileges"]
        dump = str(plan.folder / REGISTRY)
        plan.tools.run("pg_restore", url, [*options, f"--dbname={database_of(url)}", dump])
        done.append(REGISTRY)
        if ARTIFACTS in included and plan.registry.artifacts is not None:
            _put_back(plan.folder / ARTIFACTS, plan.registry.artifacts)
            done.append(ARTIFACTS)
    if MODELS in included and not (settings.home / MODELS).exists():
        _put_back(plan.folder / MODELS, settings.home / MODELS)
        done.append(MODELS)
    for missing in sorted({*included} - {LEDGER, *done}):
        report.note(f"{missing} is in the backup and was not put back: see docs/backup.md")
    return done


def _put_back(folder: Path, to: Path) -> None:
    """Each file whole, for the eyes of whoever owns the folder; what is there beside them stays."""
    owner = next(path for path in (to, *to.parents) if path.exists()).stat()
    for name in files_below(folder):
        target = to / name
        for made in reversed([path for path in target.parents if not path.exists()]):
            made.mkdir(mode=0o700)
            _own(made, owner)
        part = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        shutil.copyfile(folder / name, part)
        _own(part, owner)
        part.replace(target)


def _own(path: Path, owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid)


def _lost(plan: _Plan) -> dict[str, Any]:
    """What can be known of what was accepted after the backup: what held it is gone."""
    manifest = plan.manifest
    decided = plan.holds.get("decisions")
    since_s = (datetime.now(UTC) - manifest.taken_at).total_seconds()
    return {
        "since": manifest.taken_at.isoformat(),
        "seconds": round(since_s),
        "waiting_at_the_backup": undecided(manifest),
        "decided_in_the_hour_before": manifest.an_hour,
        "decided_since": None if decided is None else decided - manifest.rows["decisions"],
    }
