"""Every knob, once. Read in composition roots only; everything else takes what it needs as an argument.

A value comes from the environment, else from `.env`, else from the running embedded stack
(`.fraudml/stack.env`, written by `fraudml up`), else from the default below. A secret X may be in a file that
the environment names as X_FILE.
"""

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, WrapValidator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from models.errors import BadSetting
from streams.certificates import check_authority, with_authority
from streams.files_of_secrets import SecretFiles
from streams.kinds_of_settings import Address, DaysKept, Key, LogLevel, Networks, Port, masked

CHECKOUT = Path(__file__).resolve().parents[1]
STACK_ENV = "stack.env"


def home_folder() -> Path:
    """Where the embedded stack keeps data, ports and state; belongs to the checkout."""
    return Path(os.environ.get("FRAUDML_HOME", CHECKOUT / ".fraudml")).expanduser().resolve()


class Settings(BaseSettings):
    """All settings. Names without a prefix are those of the user's guide; the others begin with FRAUDML_."""

    model_config = SettingsConfigDict(
        env_prefix="FRAUDML_", frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True
    )

    kafka_bootstrap_servers: str = Field("127.0.0.1:9092", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    database_url: Address = Field("postgresql://127.0.0.1:5432/fraud_db", validation_alias="DATABASE_URL")
    redis_url: Address = Field("redis://127.0.0.1:6379/0", validation_alias="REDIS_URL")
    database_url_migrator: Address = Field(
        "", validation_alias="DATABASE_URL_MIGRATOR", description="of the owner of the schema"
    )
    database_url_worker: Address = Field("", validation_alias="DATABASE_URL_WORKER")
    database_url_gateway: Address = Field("", validation_alias="DATABASE_URL_GATEWAY")
    database_url_reader: Address = Field(
        "", validation_alias="DATABASE_URL_READER", description="for statistics: sees no customer"
    )
    database_url_auditor: Address = Field(
        "", validation_alias="DATABASE_URL_AUDITOR", description="for the background check: reads all"
    )
    redis_url_worker: Address = Field("", validation_alias="REDIS_URL_WORKER")
    redis_url_gateway: Address = Field("", validation_alias="REDIS_URL_GATEWAY")
    redis_url_auditor: Address = Field("", validation_alias="REDIS_URL_AUDITOR")
    mlflow_tracking_uri: str = Field("http://127.0.0.1:5000", validation_alias="MLFLOW_TRACKING_URI")
    mlflow_database_url: Key = Field(
        SecretStr(""), description="MLflow's own Postgres, for backups; the embedded stack's if not given"
    )
    mlflow_artifacts: str = Field("", description="the folder that MLflow serves artifacts from; likewise")
    log_level: LogLevel = Field("info", validation_alias="LOG_LEVEL")
    prometheus_enabled: bool = Field(True, validation_alias="PROMETHEUS_ENABLED")
    api_key: Key = Field(
        SecretStr(""), validation_alias="API_KEY", description="opens everything, to make the first keys with"
    )

    home: Path = Field(default_factory=home_folder)
    currency: str = Field("EUR", pattern="^[A-Z]{3}$", description="the one currency of this deployment")
    transactions_topic: str = "transactions"
    labels_topic: str = "labels"
    alerts_topic: str = "alerts"
    partitions: int = Field(8, ge=1, le=1024, description="of `transactions` and of `labels`, always equal")
    replication: int = Field(1, ge=1, description="replicas of each topic")

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ca_file: Path | None = Field(None, description="PEM: who may sign the brokers' certificates")
    kafka_certificate_file: Path | None = Field(None, description="PEM: ours, for brokers that ask for one")
    kafka_key_file: Path | None = Field(None, description="PEM: the key of that certificate")
    redis_ca_file: Path | None = Field(
        None, description="PEM: who may sign the certificate of a Redis at rediss://"
    )

    group_id: str = "fraudml"
    slot: int = Field(0, ge=0, description="which worker this is: names its transactions and its membership")
    sweep_max_records: int = Field(2048, ge=1, le=100_000)
    sweep_lanes: int = Field(
        2, ge=1, le=16, description="how many sweeps of one worker may be under way, of different partitions"
    )
    state_groups: int = Field(1, ge=1, le=1024, description="hash tags over which the histories are spread")
    session_timeout_s: float = Field(10.0, ge=6.0, le=300.0)
    offset_commit_interval_s: float = Field(1.0, gt=0, le=60)
    kafka_timeout_s: float = Field(10.0, gt=0)
    ledger_timeout_s: float = Field(10.0, gt=0)
    scan_timeout_s: float = Field(600.0, gt=0, description="of long reads: reconcile, export")
    view_timeout_s: float = Field(2.0, gt=0)
    registry_timeout_s: float = Field(30.0, gt=0)
    model_signing_key: Path | None = Field(
        None, description="Ed25519 private key, PEM: models are signed as they are registered"
    )
    model_public_key: Path | None = Field(
        None, description="Ed25519 public key, PEM: workers fetch only models that its holder has signed"
    )
    answer_key: Key = Field(
        SecretStr(""),
        description="gateways sign answers with it, workers check; empty is the file secrets/answer-key",
    )
    key_pepper: Key = Field(
        SecretStr(""),
        description="keys are digested with it; empty is the file secrets/key-pepper of the home",
    )
    answer_key_previous: Key = Field(
        SecretStr(""), description="accepted too, never signed with: while the key is rotated"
    )
    key_pepper_previous: Key = Field(
        SecretStr(""), description="keys of this pepper hold too: while the pepper is rotated"
    )
    give_up_s: float = Field(300.0, gt=0, description="how long a worker waits for a dependency, then exits")
    stuck_s: float = Field(
        30.0, gt=0, description="records wait and nothing is done, or a step takes so long: ends the worker"
    )
    keep_decisions_days: DaysKept = Field(
        None,
        description="`fraudml archive` takes older months out of the ledger; at least 40, empty: none",
    )
    label_wait_s: float = Field(
        604_800.0, gt=0, description="how long a label waits for its transaction, then is a dead letter"
    )
    while_rebuilding: Literal["wait", "decide"] = Field(
        "wait", description="while histories are made anew: wait, or decide without them and say so"
    )
    poison_share: float = Field(
        0.01, gt=0, le=1, description="of a partition's last 1,000 records; more malformed ones stop it"
    )
    poison_in_a_row: int = Field(50, ge=1, description="so many malformed records in a row stop a partition")
    clock_ahead_s: float = Field(300.0, ge=0, description="how far an event time may be ahead of the broker")
    gateway_host: str = "127.0.0.1"
    gateway_port: Port = Field(
        8000, description="of the gateway; where it is taken and not set, the embedded stack takes a free one"
    )
    gateway_processes: int = Field(1, ge=1, le=64, description="of each gateway; they share a port")
    failed_keys_per_minute: int = Field(
        60, ge=1, description="of one address; more are turned away before the key is looked at"
    )
    trusted_proxies: Networks = Field(
        "",
        description="whose X-Forwarded-For is believed: addresses and networks, by commas; empty is nobody's",
    )
    review_hold_s: float = Field(900.0, gt=0, le=86_400, description="how long a case stays taken")
    review_undo_s: float = Field(
        10.0, ge=0, le=3600, description="how long a verdict can be undone; its label waits for so long"
    )
    monitor_host: str = "127.0.0.1"
    monitor_port: Port = Field(
        8050, description="of the monitor; where it is taken and not set, the embedded stack takes a free one"
    )
    monitor_key: Key = Field(
        SecretStr(""), description="the monitor asks the gateway with it; of the scope users:act"
    )
    monitor_origins: str = Field(
        "", description="by commas: what browsers call the monitor by, where a proxy calls it otherwise"
    )
    monitor_user_header: str = Field(
        "",
        description="the header in which a trusted proxy names who has signed in there; empty is none",
    )
    gateway_url: str = Field("http://127.0.0.1:8000", description="where the monitor finds a gateway")
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = Field(0, description="0 takes a free port; `fraudml status` shows it")
    reconciler_port: Port = Field(0, description="of the background check; as above")
    monitor_metrics_port: Port = Field(
        0, description="of the monitor's metrics; 0 takes a free port, which its log tells"
    )

    otel_endpoint: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="collector of OpenTelemetry, as http://host:4318/v1/traces; empty exports no spans",
    )

    jars_repository: str = Field("", description="Maven repository of Kafka's jars; empty is jgo's default")
    jars_cache: Path | None = Field(None, description="folder for the jars; empty is the user's cache")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        held = {field: (variable_of(field), f"FRAUDML_{field.upper()}") for field in secret_fields()}
        return (init_settings, env_settings, SecretFiles(settings_cls, held), dotenv_settings)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        """As `masked`: whatever prints settings, such as a traceback, tells no password."""
        for name, value in super().__repr_args__():
            yield name, masked(value) if isinstance(value, str) else value

    @cached_property
    def stack_env(self) -> Path:
        return self.home / STACK_ENV

    def dead_letter_topic(self, topic: str) -> str:
        return f"{topic}.dlq"

    @property
    def dead_letter_topics(self) -> dict[str, str]:
        """By the topics that their records came from."""
        return {
            topic: self.dead_letter_topic(topic) for topic in (self.transactions_topic, self.labels_topic)
        }


def env_files() -> tuple[Path, Path]:
    """Lowest precedence first."""
    return (home_folder() / STACK_ENV, CHECKOUT / ".env")


def read_settings(**overrides: Any) -> Settings:
    """The settings of this process.

    Raises:
        BadSetting: a value cannot be what it says; names the variable.
    """
    try:
        return _told_whom_to_believe(Settings(_env_file=env_files(), **overrides))  # type: ignore[call-arg]
    except ValidationError as error:
        first = error.errors()[0]
        name = variable_of(str(first["loc"][0]))
        raise BadSetting(
            f"{name} is not usable", why=first["msg"], next_step=f"set {name} to another value, or unset it"
        ) from None


def _told_whom_to_believe(settings: Settings) -> Settings:
    """The addresses of Redis, each with who may sign its certificate, where that is set."""
    if settings.redis_ca_file is None:
        return settings
    check_authority(settings.redis_ca_file, "FRAUDML_REDIS_CA_FILE")
    found = {
        field: getattr(settings, field) for field in Settings.model_fields if field.startswith("redis_url")
    }
    return settings.model_copy(
        update={
            field: with_authority(address, settings.redis_ca_file)
            for field, address in found.items()
            if address
        }
    )


def secret_fields() -> list[str]:
    """The settings that hold a secret, or an address with a password."""
    return [
        name
        for name, field in Settings.model_fields.items()
        if field.annotation is SecretStr or any(isinstance(each, WrapValidator) for each in field.metadata)
    ]


def variable_of(field: str) -> str:
    """The environment variable that sets a field; takes either of its two names."""
    info = Settings.model_fields.get(field)
    if info is None:
        return field
    return str(info.validation_alias) if info.validation_alias else f"FRAUDML_{field.upper()}"
