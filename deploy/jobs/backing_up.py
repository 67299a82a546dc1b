"""Copy what cannot be had again: the ledger as it is at one moment, the registry of models, their files."""

import os
import shutil
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from deploy.backup.log_now import log_now
from deploy.backup.manifest import (
    ARTIFACTS,
    LEDGER,
    MANIFEST,
    MODELS,
    REGISTRY,
    Manifest,
    Position,
    sealed,
    stored,
)
from deploy.backup.pg_tools import Tools, tools_for
from deploy.backup.places import checked as checked_file
from deploy.backup.places import manifest_of, place_of, refuse_strangers
from deploy.backup.registry import RegistryStore, registry_of
from deploy.backup.sealing import recipients_of, seal
from deploy.backup.staging import files_below, scratch, unfinished, uploaded
from deploy.jobs.noting import noted
from deploy.stack.report import Report
from models.errors import KafkaUnavailable, NotFound
from streams.ledger.frozen import Frozen, LedgerMoment
from streams.settings import Settings

DUMP = ("--format=directory", "--compress=gzip:1")
LEFT_OUT = (
    "secrets (answer key, pepper, API keys, passwords): keep them elsewhere",
    "Kafka's topics: the log goes on from the ledger's progress",
    "Redis: it is rebuilt from the ledger",
)


class Made(NamedTuple):
    """where: the backup's address."""

    where: str
    manifest: Manifest

    def document(self) -> dict[str, Any]:
        size = sum(file.bytes for file in self.manifest.files)
        told: dict[str, Any] = msgspec.to_builtins(self.manifest)
        return {"backup": self.where, "bytes": size} | {
            name: told[name]
            for name in told
            if name not in ("format", "files", "digest", "positions", "topics")
        }


def back_up(
    settings: Settings, to: str, encrypt_to: Path | None, report: Report, *, who: str | None, why: str
) -> Made:
    """Make a backup in a folder of its own below `to`, while everything goes on.

    encrypt_to: a file of age public keys.

    Raises:
        CannotBackUp: no room, no right, no program.
        Unavailable: a store is away.
        BadSetting: an address or the file of keys is none.
    """
    recipients = recipients_of(encrypt_to) if encrypt_to else []
    name = f"fraudml-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    place = place_of(f"{to.rstrip('/')}/{name}")
    with noted(settings, "backup", place.where, {"encrypted": bool(recipients)}, who=who, why=why) as ending:
        if place.local is not None and not recipients:
            with unfinished(place.local) as work:
                manifest = _make(settings, name, work, work, recipients, report)
        elif place.local is not None:
            # Nothing in the clear comes near the place.
            with scratch() as clear, unfinished(place.local) as work:
                manifest = _make(settings, name, clear, work, recipients, report)
        else:
            with scratch() as clear:
                manifest = _make(settings, name, clear, clear, recipients, report)
                with uploaded(place), report.progress("uploading", len(manifest.files)) as done:
                    for path in [*(file.path for file in manifest.files), MANIFEST]:
                        place.put(clear / path, path)
                        done()
        ending["after"] = f"{manifest.rows['decisions']} decisions"
    return Made(place.where, manifest)


def verify_backup(address: str, report: Report) -> Made:
    """Read everything, and prove that it is what was written. Needs no key.

    Raises:
        BadBackup: it is not, or it is none of ours.
    """
    place = place_of(address)
    manifest = manifest_of(place)
    refuse_strangers(place, manifest)
    with report.counting("reading the backup", sum(file.bytes for file in manifest.files)) as count:
        for file in manifest.files:
            for chunk in checked_file(place, file):
                count(len(chunk))
    return Made(place.where, manifest)


def _make(
    settings: Settings, name: str, clear: Path, work: Path, recipients: Sequence[Any], report: Report
) -> Manifest:
    """clear: where it is written first. work: where it lies in the end."""
    began = time.monotonic()
    ends = _ends(settings, report)
    registry = registry_of(settings)
    with (
        closing(LedgerMoment(settings.database_url, settings.scan_timeout_s)) as moment,
        moment.frozen() as held,
    ):
        tools = tools_for(held.server)
        report.waiting(f"dumping the ledger: {held.rows['decisions']:,} decisions")
        _dump(tools, settings.database_url, clear / LEDGER, f"--snapshot={held.snapshot}")
    included, left_out = _add_models(settings, registry, tools, clear, report)
    left_out += [archived_words(*each) for each in held.archives]
    files = files_below(clear)
    with report.progress("hashing", len(files)) as done:
        kept = []
        for path in files:
            kept.append(stored(work, _moved(clear, work, path, recipients)))
            done()
    manifest = Manifest(
        name=name,
        took_s=round(time.monotonic() - began, 3),
        version=version("fraudml"),
        dumped_by=tools.major,
        currency=settings.currency,
        positions=_positions(held, ends),
        included=[LEDGER, *included],
        left_out=[*LEFT_OUT, *left_out],
        encrypted="age" if recipients else None,
        files=kept,
        **_facts(held),
    )
    (work / MANIFEST).write_bytes(sealed(manifest))
    return manifest


def archived_words(place: str, months: int, first: date, last: date) -> str:
    return (
        f"archived decisions: {months} months, {first:%Y-%m} to {last:%Y-%m}, are files in {place}: keep them"
    )


def _facts(held: Frozen) -> dict[str, Any]:
    names = ("taken_at", "schema", "ledger_id", "server", "an_hour", "topics", "rows", "roles")
    return {name: getattr(held, name) for name in names}


def _moved(clear: Path, work: Path, path: str, recipients: Sequence[Any]) -> str:
    """A file to where it stays, encrypted if it is to be. Its name there."""
    sealed_path = seal(clear / path, recipients) if recipients else clear / path
    name = sealed_path.relative_to(clear).as_posix()
    if work != clear:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.move(sealed_path, work / name)
    return name


def _dump(tools: Tools, url: str, to: Path, *arguments: str) -> None:
    jobs = min(4, os.cpu_count() or 1)
    tools.run("pg_dump", url, [*DUMP, f"--jobs={jobs}", f"--file={to}", *arguments])


def _add_models(
    settings: Settings, registry: RegistryStore | None, tools: Tools, clear: Path, report: Report
) -> tuple[list[str], list[str]]:
    """The registry and this machine's verified models. What is in it then, and what is not."""
    included, left_out = [], []
    if registry is None:
        left_out.append("MLflow: FRAUDML_MLFLOW_DATABASE_URL does not say where its database is")
    else:
        report.waiting("dumping MLflow")
        _dump(tools, registry.database_url, clear / REGISTRY)
        included.append(REGISTRY)
        # After its database: what that names has been written by then.
        if registry.artifacts is None:
            left_out.append("MLflow's artifacts: FRAUDML_MLFLOW_ARTIFACTS names no folder of this machine")
        else:
            _copy(registry.artifacts, clear / ARTIFACTS)
            included.append(ARTIFACTS)
    if (settings.home / MODELS).is_dir():
        _copy(settings.home / MODELS, clear / MODELS)
        included.append(MODELS)
    return included, left_out


def _copy(folder: Path, to: Path) -> None:
    """Hidden files are somebody's work in progress."""
    to.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*", "*.part"))


Ends = dict[tuple[str, int], int]


def _ends(settings: Settings, report: Report) -> Ends:
    """Where the log ends, by topic id and partition: only so much can be told of what waits in it."""
    try:
        now = log_now(settings)
    except (KafkaUnavailable, NotFound) as error:
        report.note(f"how much waits in Kafka is not noted: {error.what}")
        return {}
    return {
        (now.ids[topic], number): last for topic, of in now.ends.items() for number, (_, last) in of.items()
    }


def _positions(held: Frozen, ends: Ends) -> list[Position]:
    return [Position(*each, ends.get((each.topic_id, each.partition))) for each in held.positions]
