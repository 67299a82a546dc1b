"""Which versions of a registered model there are, which of them decide, and who said so when and why."""

import getpass
from datetime import UTC, datetime
from typing import Any

import msgspec

from models.errors import Misuse
from models.mlflow_client import quiet_mlflow

PREVIOUS = "previous"
PROMOTION_TAG = "fraudml.promotion."
# Sorts by time, and may be part of a tag's name.
MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"


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
        Misuse: an unknown version, or a model without versions.
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        client = mlflow.MlflowClient()
        after = _existing(mlflow, name, version) if version else _newest(client, name)
        before = client.get_registered_model(name).aliases.get(alias)
        if before is not None and str(before) != after:
            client.set_registered_model_alias(name, PREVIOUS, before)
        client.set_registered_model_alias(name, alias, after)
        made = Promotion(
            who=who or getpass.getuser(),
            when=(now or datetime.now(UTC)).strftime(MOMENT),
            name=name,
            alias=alias,
            before=None if before is None else str(before),
            after=after,
            metrics=_metrics(client, name, after),
            why=why,
        )
        client.set_registered_model_tag(name, PROMOTION_TAG + made.when, msgspec.json.encode(made).decode())
        return made


def roll_back(
    name: str, alias: str, *, who: str | None = None, why: str = "", now: datetime | None = None
) -> Promotion:
    """Put back behind an alias what stood there before; what stands there now becomes `previous`.

    Raises:
        Misuse: nothing stood there before.
        RegistryUnavailable: MLflow cannot be reached.
    """
    with quiet_mlflow() as mlflow:
        found = mlflow.MlflowClient().get_registered_model(name).aliases.get(PREVIOUS)
    if found is None:
        raise Misuse(f"no version of {name} stood behind {alias} before", next_step="fraudml models list")
    return promote(name, alias, str(found), who=who, why=why or "rolled back", now=now)


def _metrics(client: Any, name: str, version: str) -> dict[str, float]:
    run_id = client.get_model_version(name, version).run_id
    return dict(client.get_run(run_id).data.metrics) if run_id else {}


def _existing(mlflow: Any, name: str, version: str) -> str:
    try:
        return str(mlflow.MlflowClient().get_model_version(name, version).version)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise Misuse(f"{name} has no version {version}", next_step="fraudml models list") from None


def _newest(client: Any, name: str) -> str:
    versions = client.search_model_versions(f"name='{name}'")
    if not versions:
        raise Misuse(f"{name} has no version", next_step="fraudml train FILE --map MAP ... --register")
    return str(max(int(each.version) for each in versions))


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
    return [
        msgspec.json.decode(text, type=Promotion)
        for tag, text in sorted(tags.items())
        if tag.startswith(PROMOTION_TAG)
    ]
