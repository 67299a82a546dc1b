"""On real stores: what was backed up comes back, and what cannot is refused before anything is touched."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pyrage
import pytest
from psycopg import sql

from deploy.backup.errors import BadBackup, CannotBackUp, OtherLog, TargetInUse
from deploy.backup.manifest import MANIFEST, Manifest, read, sealed
from deploy.jobs.backing_up import Made, back_up, verify_backup
from deploy.jobs.restoring import Orders, restore
from deploy.stack import kafka_topics
from deploy.stack.report import Report
from deploy.stack.stack import migrate_to_newest
from models.errors import FraudError, SchemaUnknown
from streams.reconcile.range import Range
from streams.settings import Settings
from tests.builders import label, transaction
from tests.integration.streams.traffic import RealTraffic
from tests.stores import Stores, empty_view

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(300)]

AMOUNTS = [500, 20_000, 200_000]


@pytest.fixture
def settings(stores: Stores, own_topics: Settings, own_keyspace: str, tmp_path: Path) -> Iterator[Settings]:
    """A ledger of its own, in which nothing was ever decided."""
    name = f"backup_{secrets.token_hex(4)}"
    _do(stores.settings, "CREATE DATABASE {}", name)
    url = f"{stores.settings.database_url.rpartition('/')[0]}/{name}"
    own = {"database_url": url, "redis_url": own_keyspace, "home": tmp_path / "home"}
    made = own_topics.model_copy(update=own)
    migrate_to_newest(made)
    empty_view(own_keyspace)
    yield made
    for found in [each for each in _databases(stores.settings) if each.startswith(name)]:
        _do(stores.settings, "DROP DATABASE {}", found)


@pytest.fixture
def taken(settings: Settings, tmp_path: Path) -> Made:
    """A backup of a ledger with three decisions and a label, after which three more came."""
    traffic = RealTraffic(settings)
    traffic.send(*payments(0, 3))
    traffic.label(label("tx-1"))
    made = taken_of(settings, str(tmp_path / "backups"))
    traffic.send(*payments(3, 6), b"{oops")
    traffic.close()
    return made


def payments(first: int, stop: int) -> list[Any]:
    return [transaction(f"tx-{n}", day=n, amount_minor=AMOUNTS[n % 3]) for n in range(first, stop)]


def taken_of(settings: Settings, to: str, encrypt_to: Path | None = None) -> Made:
    return back_up(settings, to, encrypt_to, Report(), who="tester", why="")


def put_back(settings: Settings, backup: str, **orders: Any) -> dict[str, Any]:
    return restore(settings, Orders(backup, who="tester", **{"replace": True, **orders}), Report())


def _do(settings: Settings, statement: str, name: str) -> None:
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _databases(settings: Settings) -> list[str]:
    with psycopg.connect(settings.database_url) as connection:
        return [name for (name,) in connection.execute("SELECT datname FROM pg_database")]


def asked(settings: Settings, query: str) -> list[Any]:
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(query).fetchall()


def ids(settings: Settings) -> list[str]:
    return [name for (name,) in asked(settings, "SELECT transaction_id FROM decisions ORDER BY 1")]


def state(settings: Settings) -> list[Any]:
    """What a refused restore must leave alone."""
    names = [
        name for name in _databases(settings) if name.startswith(settings.database_url.rpartition("/")[2])
    ]
    return [ids(settings), asked(settings, "SELECT ledger_id FROM ledger"), names]


def test_the_log_goes_on_from_the_backup_and_repeats_are_no_findings(settings: Settings, taken: Made) -> None:
    (before,) = asked(settings, "SELECT ledger_id FROM ledger")
    found = put_back(settings, taken.where)
    assert ids(settings) == ["tx-0", "tx-1", "tx-2"]
    assert found["read_again"] == {settings.transactions_topic: 4, settings.labels_topic: 0}
    assert found["rows"]["decisions"] == 3
    assert asked(settings, "SELECT ledger_id FROM ledger") != [before]
    assert asked(settings, "SELECT count(*) FROM decisions WHERE written_in IS NOT NULL") == [(0,)]
    traffic = RealTraffic(settings)
    try:
        traffic.send(*payments(6, 7))
        outcome = traffic.reconcile(Range())
    finally:
        traffic.close()
    assert ids(settings) == [f"tx-{n}" for n in range(7)]
    assert outcome.first() == []
    assert (outcome.proven, outcome.repeats.alerts, outcome.repeats.dead_letters) == (outcome.records, 2, 1)


def test_a_backup_says_what_is_in_it(settings: Settings, taken: Made) -> None:
    manifest = verify_backup(taken.where, Report()).manifest
    assert manifest.rows["decisions"] == 3
    assert manifest.rows["labels"] == 1
    settled = {(each.topic, each.partition): each.next_offset for each in manifest.positions}
    assert settled[settings.transactions_topic, 0] == 3
    assert manifest.topics.keys() == {settings.transactions_topic, settings.labels_topic}


def test_what_was_there_is_kept_under_another_name(settings: Settings, taken: Made) -> None:
    aside = put_back(settings, taken.where)["kept_aside"]
    server = settings.database_url.rpartition("/")[0]
    assert len(ids(settings.model_copy(update={"database_url": f"{server}/{aside}"}))) == 6


def test_a_restore_is_noted_in_an_audit_table_that_still_proves_itself(
    settings: Settings, taken: Made
) -> None:
    from deploy.jobs.auditing import verified

    put_back(settings, taken.where)
    rows = asked(settings, "SELECT actor, action, outcome FROM audit ORDER BY audit_id")
    assert rows == [("tester", "backup", "begun"), ("tester", "restore", "done")]
    assert verified(settings, None, None)["broken"] is None


def test_models_and_the_registry_come_back(settings: Settings, tmp_path: Path) -> None:
    registry = registry_in(settings, tmp_path)
    (settings.home / "models/M/1").mkdir(parents=True)
    (settings.home / "models/M/1/manifest.json").write_bytes(b"trees")
    made = taken_of(registry, str(tmp_path / "backups"))
    assert {"mlflow", "artifacts", "models"} <= set(made.manifest.included)
    url = registry.mlflow_database_url.get_secret_value()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE versions")
    (tmp_path / "artifacts/run/model.ubj").unlink()
    (settings.home / "models/M/1/manifest.json").unlink()
    (settings.home / "models/M/1").rmdir()
    (settings.home / "models/M").rmdir()
    (settings.home / "models").rmdir()
    found = put_back(registry, made.where)
    assert found["put_back"] == ["ledger", "mlflow", "artifacts", "models"]
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT name FROM versions").fetchall() == [("champion",)]
    assert (tmp_path / "artifacts/run/model.ubj").read_bytes() == b"trees"
    assert (settings.home / "models/M/1/manifest.json").read_bytes() == b"trees"


def registry_in(settings: Settings, folder: Path) -> Settings:
    """A registry with a version and its file."""
    name = f"{settings.database_url.rpartition('/')[2]}_mlflow"
    _do(settings, "CREATE DATABASE {}", name)
    url = f"{settings.database_url.rpartition('/')[0]}/{name}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE versions AS SELECT 'champion' AS name")
    (folder / "artifacts/run").mkdir(parents=True)
    (folder / "artifacts/run/model.ubj").write_bytes(b"trees")
    given = {"mlflow_database_url": url, "mlflow_artifacts": str(folder / "artifacts")}
    return Settings.model_validate({**settings.model_dump(), **given})


def test_a_bucket_and_a_key_are_as_good_as_a_folder(
    settings: Settings, taken: Made, bucket: str, tmp_path: Path
) -> None:
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "public").write_text(f"{identity.to_public()}\n")
    (tmp_path / "secret").write_text(f"{identity}\n")
    put_back(settings, taken.where)
    made = taken_of(settings, bucket, tmp_path / "public")
    assert verify_backup(made.where, Report()).manifest.encrypted == "age"
    assert {Path(file.path).suffix for file in made.manifest.files} == {".age"}
    before = state(settings)
    with pytest.raises(BadBackup, match="the backup is encrypted"):
        put_back(settings, made.where)
    assert state(settings) == before
    put_back(settings, made.where, identity=tmp_path / "secret")
    assert ids(settings) == ["tx-0", "tx-1", "tx-2"]


def test_a_bucket_that_is_not_there_is_said_in_one_line(settings: Settings, bucket: str) -> None:
    with pytest.raises(FraudError, match="s3://nowhere"):
        taken_of(settings, "s3://nowhere/backups")
    with pytest.raises(BadBackup, match="is no backup"):
        verify_backup(f"{bucket}/nothing", Report())


def rewritten(made: Made, **changed: Any) -> None:
    """The manifest says something else, and its digest agrees."""
    path = Path(made.where) / MANIFEST
    fields = {name: getattr(made.manifest, name) for name in Manifest.__struct_fields__}
    path.write_bytes(sealed(Manifest(**{**fields, **changed})))
    read(path.read_bytes(), made.where)


@pytest.mark.parametrize(
    ("changed", "kind", "words"),
    [
        ({"schema": "9999"}, SchemaUnknown, "has schema 9999. this version knows up to"),
        ({"server": 99}, CannotBackUp, "and the backup is of 99"),
        ({"dumped_by": 99}, CannotBackUp, "of PostgreSQL 99 or newer are needed"),
        ({"currency": "USD"}, BadBackup, "of a deployment in USD"),
        ({"roles": ["nobody_here"]}, CannotBackUp, "the server has no role nobody_here"),
        ({"rows": {"decisions": 4}}, BadBackup, "holds 3 rows of decisions, and 4 were counted"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_touched(
    settings: Settings, taken: Made, changed: dict[str, Any], kind: type[FraudError], words: str
) -> None:
    rewritten(taken, **changed)
    before = state(settings)
    with pytest.raises(kind, match=words):
        put_back(settings, taken.where)
    assert state(settings) == before


def test_a_dump_that_cannot_be_read_is_refused_and_nothing_is_touched(
    settings: Settings, taken: Made
) -> None:
    """Even one that the manifest vouches for."""
    from deploy.backup.manifest import stored

    toc = Path(taken.where) / "ledger/toc.dat"
    toc.write_bytes(toc.read_bytes()[:2000])
    files = [stored(Path(taken.where), file.path) for file in taken.manifest.files]
    rewritten(taken, files=files)
    before = state(settings)
    with pytest.raises(BadBackup, match="the dump in the backup cannot be put back"):
        put_back(settings, taken.where)
    assert state(settings) == before


def test_a_ledger_that_holds_something_is_not_replaced_unasked(settings: Settings, taken: Made) -> None:
    before = state(settings)
    with pytest.raises(TargetInUse, match=r"6 decisions.*--replace"):
        put_back(settings, taken.where, replace=False)
    assert state(settings) == before


def test_a_ledger_that_is_in_use_is_not_replaced(settings: Settings, taken: Made) -> None:
    before = state(settings)
    with (
        psycopg.connect(settings.database_url, application_name="fraudml-worker-0"),
        pytest.raises(TargetInUse, match=r"is in use. by fraudml-worker-0. Next: stop"),
    ):
        put_back(settings, taken.where)
    assert state(settings) == before


def test_with_the_log_lost_too_it_goes_on_with_a_new_one(settings: Settings, taken: Made) -> None:
    anew = remade(settings)
    before = state(settings)
    with pytest.raises(OtherLog, match="--new-log"):
        put_back(anew, taken.where)
    assert state(settings) == before
    found = put_back(anew, taken.where, new_log=True)
    assert found["lost"]["waiting_at_the_backup"] == {
        settings.transactions_topic: 0,
        settings.labels_topic: 0,
    }
    assert found["lost"]["decided_since"] == 3
    traffic = RealTraffic(anew)
    try:
        traffic.send(*payments(0, 6))
        outcome = traffic.reconcile(Range())
    finally:
        traffic.close()
    assert ids(anew) == [f"tx-{n}" for n in range(6)]
    assert outcome.first() == []
    assert outcome.elsewhere["other_topics"] == 3


def remade(settings: Settings) -> Settings:
    """The topics under their names, with nothing in them."""
    client = kafka_topics.admin(settings.kafka_bootstrap_servers)
    names = [topic for topic in kafka_topics.partition_counts(settings.kafka_bootstrap_servers)]
    mine = [name for name in names if name.startswith(settings.group_id + "-")]
    for done in client.delete_topics(mine).values():
        done.result()
    kafka_topics.ensure(settings.kafka_bootstrap_servers, settings)
    return settings.model_copy(update={"group_id": f"{settings.group_id}-anew"})


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a disk that is too small")
def test_a_full_disk_leaves_nothing_and_says_so(settings: Settings, taken: Made, tmp_path: Path) -> None:
    import subprocess

    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine mounts nothing")
    try:
        with pytest.raises(CannotBackUp, match="no room left"):
            taken_of(settings, str(small))
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
