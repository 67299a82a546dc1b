"""Which versions of a registered model there are, which of them decide, and who said so when and why."""

import getpass
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from models.errors import Misuse, NotFound
from models.mlflow_client import quiet_mlflow

PREVIOUS = "previous"
PROMOTION_TAG = "fraudml.promotion."
# Sorts by time, and may be part of a tag's name.
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
# Characters: in every encoding, a record of these without its metrics fits into a tag.
# The longest who is a key's owner and name.
WHO_LENGTH, WHY_LENGTH = 129, 500
# What the registry's own tables hold; PostgreSQL refuses more.
TAG_LENGTH = 5000
# The largest integer of the registry's own tables.
LAST_VERSION = 2**31 - 1


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """Who put which version behind an alias, when, in place of which, and why."""

    who: str
    when: str
    name: str
    alias: str
    before: str | None
    after: str
    metrics: dict[str, float]
    why: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A registered version. metrics and params are those of its run."""

    name: str
    version: str
    aliases: list[str]
    created: str
    metrics: dict[str, float]
    params: dict[str, str]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A registered model: its versions, newest first, and its promotions, oldest first."""

    name: str
    versions: list[Version]
    promotions: list[Promotion]


def promote(
    name: str,
    alias: str,
    version: str | None = None,
    *,
    who: str | None = None,
    why: str = "",
    now: datetime | None = None,
) -> Promotion:
    """As `promote_model_to_stage`, by alias; answers the record that it keeps.

    Raises:
        Misuse: no such version, a model without versions, or too many words.
        RegistryUnavailable: MLflow cannot be reached.
    """
    check_words(who, why)
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        after = _newest(client, name) if version is None else _existing(mlflow, name, version)
        made = Promotion(
            who=who or getpass.getuser(),
            when=(now or datetime.now(UTC)).strftime(MOMENT),
            name=name,
            alias=alias,
            before=_standing(client, name, alias),
            after=after,
            metrics=_metrics(client, name, after),
            why=why,
        )
        # The record first: an alias that moved without one is explained by nobody, and cannot be rolled back.
        client.set_registered_model_tag(name, PROMOTION_TAG + made.when, _record(made))
        try:
            _move(client, made)
        except mlflow.exceptions.MlflowException:
            with suppress(mlflow.exceptions.MlflowException):
                _forget_unless_moved(client, made)
            raise
        return made


def check_words(who: str | None, why: str) -> None:
    """Whether they can be kept: asked before anything is done that they are about.

    Raises:
        Misuse: they are too long.
    """
    for what, words, most in (("who", who or "", WHO_LENGTH), ("why", why, WHY_LENGTH)):
        if len(words) > most:
            raise Misuse(
                f"`{what}` has {len(words):,} characters",
                why=f"the registry's record of a promotion keeps {most} of them",
                next_step="say it shorter, and where the rest can be read",
            )


def roll_back(
    name: str, alias: str, *, who: str | None = None, why: str = "", now: datetime | None = None
) -> Promotion:
    """Put back behind an alias what stood there before; what stands there now becomes `previous`.

    The record of the promotion that put it there tells: `previous` is one for all aliases of a model, and may
    have been another alias's.

    Raises:
        Misuse: nothing stood there before, as far as is on record.
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        _newest(client, name)
        model = client.get_registered_model(name)
    standing = model.aliases.get(alias)
    before = None if standing is None else _stood_before(_records(model.tags), alias, str(standing))
    if before is None:
        raise Misuse(
            f"no version of {name} stood behind {alias} before",
            why=f"no promotion on record put {standing or 'a version'} in the place of another",
            next_step=f"fraudml models promote {name} --alias {alias} --version N (fraudml models list)",
        )
    return promote(name, alias, before, who=who, why=why or "rolled back", now=now)


def _stood_before(records: list[Promotion], alias: str, standing: str) -> str | None:
    """What the newest promotion to the standing version took the place of.

    Records to other versions are passed over: one may be left of a promotion that failed. So are those of a
    version that stood there already, which replaced nothing.
    """
    for each in reversed(records):
        if each.alias == alias and each.after == standing and each.before not in (None, standing):
            return each.before
    return None


def _standing(client: Any, name: str, alias: str) -> str | None:
    found = client.get_registered_model(name).aliases.get(alias)
    return None if found is None else str(found)


def _record(made: Promotion) -> str:
    """As a tag's text. Its metrics are left out where they are too many: the version's run has them too."""
    text = msgspec.json.encode(made).decode()
    if len(text) > TAG_LENGTH:
        text = msgspec.json.encode(msgspec.structs.replace(made, metrics={})).decode()
    return text


def _move(client: Any, made: Promotion) -> None:
    if made.before is not None and made.before != made.after:
        client.set_registered_model_alias(made.name, PREVIOUS, made.before)
    client.set_registered_model_alias(made.name, made.alias, made.after)


def _forget_unless_moved(client: Any, made: Promotion) -> None:
    """A call that failed may have been done all the same. Where nobody can tell, the record stays."""
    if _standing(client, made.name, made.alias) != made.after:
        client.delete_registered_model_tag(made.name, PROMOTION_TAG + made.when)


def _metrics(client: Any, name: str, version: str) -> dict[str, float]:
    """Those that JSON has a number for."""
    run_id = client.get_model_version(name, version).run_id
    found = client.get_run(run_id).data.metrics if run_id else {}
    return {metric: value for metric, value in found.items() if math.isfinite(value)}


def _existing(mlflow: Any, name: str, version: str) -> str:
    if not (version.isascii() and version.isdecimal()):
        raise Misuse(
            f"{version!r} is no version of a model",
            why="versions are numbers: 1, 2, 3",
            next_step="fraudml models list",
        )
    if int(version) > LAST_VERSION:
        raise _no_version(name, version)
    try:
        return str(mlflow.MlflowClient().get_model_version(name, version).version)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise _no_version(name, version) from None


def _no_version(name: str, version: str) -> NotFound:
    return NotFound(f"{name} has no version {version}", next_step="fraudml models list")


def _newest(client: Any, name: str) -> str:
    versions = client.search_model_versions(f"name='{name}'")
    if not versions:
        raise Misuse(f"{name} has no version", next_step="fraudml train FILE --map MAP ... --register")
    return str(max(int(each.version) for each in versions))


def shown(names: Sequence[str]) -> list[Model]:
    """
    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    found = {name: versions_of(name) for name in names}
    return [
        Model(name=name, versions=versions, promotions=promotions_of(name) if versions else [])
        for name, versions in found.items()
    ]


def versions_of(name: str) -> list[Version]:
    """All versions of a registered model, newest first.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        found = client.search_model_versions(f"name='{name}'")
        if not found:
            return []
        aliases: dict[str, list[str]] = {}
        for alias, version in client.get_registered_model(name).aliases.items():
            aliases.setdefault(str(version), []).append(alias)
        return [
            _version(client, each, sorted(aliases.get(str(each.version), [])))
            for each in sorted(found, key=lambda each: -int(each.version))
        ]


def _version(client: Any, found: Any, aliases: list[str]) -> Version:
    run = client.get_run(found.run_id).data if found.run_id else None
    return Version(
        name=found.name,
        version=str(found.version),
        aliases=aliases,
        created=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(timespec="seconds"),
        metrics=dict(run.metrics) if run else {},
        params=dict(run.params) if run else {},
    )


def promotions_of(name: str) -> list[Promotion]:
    """Who was what when, oldest first.

    Raises:
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        tags = mlflow.MlflowClient().get_registered_model(name).tags
    return _records(tags)


def _records(tags: Mapping[str, str]) -> list[Promotion]:
    """Oldest first."""
    return [
        msgspec.json.decode(text, type=Promotion)
        for tag, text in sorted(tags.items())
        if tag.startswith(PROMOTION_TAG)
    ]
