"""Every knob from the environment; a wrong value says which, why and what to do; a secret is never shown."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from models.errors import BadSetting
from streams import settings as settings_module
from streams.kinds_of_settings import masked
from streams.settings import Settings, read_settings, secret_fields, variable_of

# Each setting: its variable, a value other than the default, and that value as it is used.
KNOBS: dict[str, tuple[str, str, Any]] = {
    "kafka_bootstrap_servers": ("KAFKA_BOOTSTRAP_SERVERS", "k1:9092,k2:9092", "k1:9092,k2:9092"),
    "database_url": ("DATABASE_URL", "postgresql://u@db/fraud", "postgresql://u@db/fraud"),
    "redis_url": ("REDIS_URL", "redis://cache/1", "redis://cache/1"),
    "database_url_migrator": (
        "DATABASE_URL_MIGRATOR",
        "postgresql://migrator@db/f",
        "postgresql://migrator@db/f",
    ),
    "database_url_worker": ("DATABASE_URL_WORKER", "postgresql://decider@db/f", "postgresql://decider@db/f"),
    "database_url_gateway": (
        "DATABASE_URL_GATEWAY",
        "postgresql://gateway@db/f",
        "postgresql://gateway@db/f",
    ),
    "database_url_reader": ("DATABASE_URL_READER", "postgresql://reader@db/f", "postgresql://reader@db/f"),
    "database_url_auditor": (
        "DATABASE_URL_AUDITOR",
        "postgresql://auditor@db/f",
        "postgresql://auditor@db/f",
    ),
    "redis_url_worker": ("REDIS_URL_WORKER", "redis://decider@cache/1", "redis://decider@cache/1"),
    "redis_url_gateway": ("REDIS_URL_GATEWAY", "redis://gateway@cache/1", "redis://gateway@cache/1"),
    "redis_url_auditor": ("REDIS_URL_AUDITOR", "redis://auditor@cache/1", "redis://auditor@cache/1"),
    "mlflow_tracking_uri": ("MLFLOW_TRACKING_URI", "http://mlflow", "http://mlflow"),
    "mlflow_database_url": ("FRAUDML_MLFLOW_DATABASE_URL", "postgresql://m/f", SecretStr("postgresql://m/f")),
    "mlflow_artifacts": ("FRAUDML_MLFLOW_ARTIFACTS", "/srv/artifacts", "/srv/artifacts"),
    "log_level": ("LOG_LEVEL", "debug", "debug"),
    "prometheus_enabled": ("PROMETHEUS_ENABLED", "false", False),
    "api_key": ("API_KEY", "a key of sixteen", SecretStr("a key of sixteen")),
    "home": ("FRAUDML_HOME", "/srv/fraud", Path("/srv/fraud")),
    "currency": ("FRAUDML_CURRENCY", "SEK", "SEK"),
    "transactions_topic": ("FRAUDML_TRANSACTIONS_TOPIC", "tx", "tx"),
    "labels_topic": ("FRAUDML_LABELS_TOPIC", "lb", "lb"),
    "alerts_topic": ("FRAUDML_ALERTS_TOPIC", "al", "al"),
    "partitions": ("FRAUDML_PARTITIONS", "12", 12),
    "replication": ("FRAUDML_REPLICATION", "3", 3),
    "kafka_security_protocol": ("FRAUDML_KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "SASL_SSL"),
    "kafka_sasl_mechanism": ("FRAUDML_KAFKA_SASL_MECHANISM", "PLAIN", "PLAIN"),
    "kafka_sasl_username": ("FRAUDML_KAFKA_SASL_USERNAME", "worker", "worker"),
    "kafka_sasl_password": ("FRAUDML_KAFKA_SASL_PASSWORD", "sesame", SecretStr("sesame")),
    "kafka_ca_file": ("FRAUDML_KAFKA_CA_FILE", "/tls/ca.pem", Path("/tls/ca.pem")),
    "kafka_certificate_file": ("FRAUDML_KAFKA_CERTIFICATE_FILE", "/tls/us.pem", Path("/tls/us.pem")),
    "kafka_key_file": ("FRAUDML_KAFKA_KEY_FILE", "/tls/us.key", Path("/tls/us.key")),
    "redis_ca_file": ("FRAUDML_REDIS_CA_FILE", "/tls/ca.pem", Path("/tls/ca.pem")),
    "group_id": ("FRAUDML_GROUP_ID", "other", "other"),
    "slot": ("FRAUDML_SLOT", "4", 4),
    "sweep_max_records": ("FRAUDML_SWEEP_MAX_RECORDS", "100", 100),
    "sweep_lanes": ("FRAUDML_SWEEP_LANES", "4", 4),
    "state_groups": ("FRAUDML_STATE_GROUPS", "16", 16),
    "session_timeout_s": ("FRAUDML_SESSION_TIMEOUT_S", "6", 6.0),
    "offset_commit_interval_s": ("FRAUDML_OFFSET_COMMIT_INTERVAL_S", "0.5", 0.5),
    "kafka_timeout_s": ("FRAUDML_KAFKA_TIMEOUT_S", "3", 3.0),
    "ledger_timeout_s": ("FRAUDML_LEDGER_TIMEOUT_S", "4", 4.0),
    "scan_timeout_s": ("FRAUDML_SCAN_TIMEOUT_S", "60", 60.0),
    "view_timeout_s": ("FRAUDML_VIEW_TIMEOUT_S", "0.25", 0.25),
    "registry_timeout_s": ("FRAUDML_REGISTRY_TIMEOUT_S", "5", 5.0),
    "model_signing_key": ("FRAUDML_MODEL_SIGNING_KEY", "/keys/model.key", Path("/keys/model.key")),
    "model_public_key": ("FRAUDML_MODEL_PUBLIC_KEY", "/keys/model.pub", Path("/keys/model.pub")),
    "answer_key": ("FRAUDML_ANSWER_KEY", "a key of sixteen", SecretStr("a key of sixteen")),
    "key_pepper": ("FRAUDML_KEY_PEPPER", "pepper of sixteen", SecretStr("pepper of sixteen")),
    "answer_key_previous": (
        "FRAUDML_ANSWER_KEY_PREVIOUS",
        "a key of sixteen",
        SecretStr("a key of sixteen"),
    ),
    "key_pepper_previous": (
        "FRAUDML_KEY_PEPPER_PREVIOUS",
        "pepper of sixteen",
        SecretStr("pepper of sixteen"),
    ),
    "give_up_s": ("FRAUDML_GIVE_UP_S", "60", 60.0),
    "stuck_s": ("FRAUDML_STUCK_S", "12", 12.0),
    "keep_decisions_days": ("FRAUDML_KEEP_DECISIONS_DAYS", "400", 400),
    "label_wait_s": ("FRAUDML_LABEL_WAIT_S", "60", 60.0),
    "while_rebuilding": ("FRAUDML_WHILE_REBUILDING", "decide", "decide"),
    "poison_share": ("FRAUDML_POISON_SHARE", "0.5", 0.5),
    "poison_in_a_row": ("FRAUDML_POISON_IN_A_ROW", "9", 9),
    "clock_ahead_s": ("FRAUDML_CLOCK_AHEAD_S", "0", 0.0),
    "gateway_host": ("FRAUDML_GATEWAY_HOST", "0.0.0.0", "0.0.0.0"),
    "gateway_port": ("FRAUDML_GATEWAY_PORT", "8080", 8080),
    "gateway_processes": ("FRAUDML_GATEWAY_PROCESSES", "2", 2),
    "failed_keys_per_minute": ("FRAUDML_FAILED_KEYS_PER_MINUTE", "20", 20),
    "trusted_proxies": ("FRAUDML_TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1", "10.0.0.0/8,192.0.2.1"),
    "review_hold_s": ("FRAUDML_REVIEW_HOLD_S", "60", 60.0),
    "review_undo_s": ("FRAUDML_REVIEW_UNDO_S", "0", 0.0),
    "monitor_host": ("FRAUDML_MONITOR_HOST", "0.0.0.0", "0.0.0.0"),
    "monitor_port": ("FRAUDML_MONITOR_PORT", "8060", 8060),
    "monitor_key": ("FRAUDML_MONITOR_KEY", "a key of sixteen", SecretStr("a key of sixteen")),
    "monitor_origins": ("FRAUDML_MONITOR_ORIGINS", "https://fraud.example", "https://fraud.example"),
    "monitor_user_header": ("FRAUDML_MONITOR_USER_HEADER", "X-User", "X-User"),
    "gateway_url": ("FRAUDML_GATEWAY_URL", "http://gateway", "http://gateway"),
    "metrics_host": ("FRAUDML_METRICS_HOST", "0.0.0.0", "0.0.0.0"),
    "metrics_port": ("FRAUDML_METRICS_PORT", "9100", 9100),
    "reconciler_port": ("FRAUDML_RECONCILER_PORT", "9200", 9200),
    "monitor_metrics_port": ("FRAUDML_MONITOR_METRICS_PORT", "9102", 9102),
    "otel_endpoint": (
        "FRAUDML_OTEL_ENDPOINT",
        "http://collector:4318/v1/traces",
        "http://collector:4318/v1/traces",
    ),
    "jars_repository": ("FRAUDML_JARS_REPOSITORY", "https://jars.example", "https://jars.example"),
    "jars_cache": ("FRAUDML_JARS_CACHE", "/srv/jars", Path("/srv/jars")),
}

WRONG = [
    ("FRAUDML_KAFKA_SECURITY_PROTOCOL", "TLS", "Input should be 'PLAINTEXT', 'SSL'"),
    ("FRAUDML_KAFKA_SASL_MECHANISM", "MD5", "Input should be 'SCRAM-SHA-512'"),
    ("LOG_LEVEL", "loud", "Input should be 'debug', 'info', 'warning' or 'error'"),
    ("PROMETHEUS_ENABLED", "perhaps", "valid boolean"),
    ("FRAUDML_CURRENCY", "euro", "match pattern"),
    ("FRAUDML_ANSWER_KEY", "too short", "a secret has at least 16 characters"),
    ("API_KEY", "fifteen letters", "a secret has at least 16 characters"),
    ("FRAUDML_KEY_PEPPER", "salt", "a secret has at least 16 characters"),
    ("FRAUDML_PARTITIONS", "0", "greater than or equal to 1"),
    ("FRAUDML_PARTITIONS", "1025", "less than or equal to 1024"),
    ("FRAUDML_PARTITIONS", "eight", "valid integer"),
    ("FRAUDML_REPLICATION", "0", "greater than or equal to 1"),
    ("FRAUDML_SLOT", "-1", "greater than or equal to 0"),
    ("FRAUDML_SWEEP_MAX_RECORDS", "0", "greater than or equal to 1"),
    ("FRAUDML_SWEEP_MAX_RECORDS", "100001", "less than or equal to 100000"),
    ("FRAUDML_STATE_GROUPS", "0", "greater than or equal to 1"),
    ("FRAUDML_SESSION_TIMEOUT_S", "5.9", "greater than or equal to 6"),
    ("FRAUDML_OFFSET_COMMIT_INTERVAL_S", "0", "greater than 0"),
    ("FRAUDML_KAFKA_TIMEOUT_S", "0", "greater than 0"),
    ("FRAUDML_LEDGER_TIMEOUT_S", "-1", "greater than 0"),
    ("FRAUDML_VIEW_TIMEOUT_S", "soon", "valid number"),
    ("FRAUDML_GIVE_UP_S", "0", "greater than 0"),
    ("FRAUDML_STUCK_S", "0", "greater than 0"),
    ("FRAUDML_KEEP_DECISIONS_DAYS", "39", "the decisions of 40 days"),
    ("FRAUDML_LABEL_WAIT_S", "0", "greater than 0"),
    ("FRAUDML_WHILE_REBUILDING", "guess", "Input should be 'wait' or 'decide'"),
    ("FRAUDML_POISON_SHARE", "0", "greater than 0"),
    ("FRAUDML_POISON_SHARE", "1.1", "less than or equal to 1"),
    ("FRAUDML_POISON_IN_A_ROW", "0", "greater than or equal to 1"),
    ("FRAUDML_CLOCK_AHEAD_S", "-0.1", "greater than or equal to 0"),
    ("FRAUDML_FAILED_KEYS_PER_MINUTE", "0", "greater than or equal to 1"),
    ("FRAUDML_REVIEW_HOLD_S", "0", "greater than 0"),
    ("FRAUDML_REVIEW_UNDO_S", "3601", "less than or equal to 3600"),
    ("FRAUDML_METRICS_PORT", "65536", "less than or equal to 65535"),
]


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout and a home of their own, and no variable of this machine's."""
    for variable, _, _ in KNOBS.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("FRAUDML_HOME", str(tmp_path))
    monkeypatch.setattr(settings_module, "CHECKOUT", tmp_path)
    return tmp_path


def test_every_setting_is_in_the_list_of_this_test() -> None:
    assert list(KNOBS) == list(Settings.model_fields)


# Of the authority of Redis the file itself is looked at: tests/unit/streams/test_redis_client.py.
@pytest.mark.parametrize("field", [field for field in KNOBS if field != "redis_ca_file"])
def test_each_setting_comes_from_the_environment(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, text, value = KNOBS[field]
    assert variable_of(field) == variable
    assert getattr(read_settings(), field) != value
    monkeypatch.setenv(variable, text)
    assert getattr(read_settings(), field) == value


@pytest.mark.parametrize(("variable", "text", "why"), WRONG)
def test_a_wrong_value_says_which_why_and_what_to_do(
    variable: str, text: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert refused.value.what == f"{variable} is not usable"
    assert why in refused.value.why
    assert refused.value.next_step == f"set {variable} to another value, or unset it"


def test_the_environment_outranks_the_file_of_the_checkout_and_that_the_stack(
    alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (alone / "stack.env").write_text("FRAUDML_SLOT=1\nFRAUDML_PARTITIONS=2\nFRAUDML_GROUP_ID=stack\n")
    (alone / ".env").write_text("FRAUDML_SLOT=3\nFRAUDML_PARTITIONS=4\n")
    monkeypatch.setenv("FRAUDML_SLOT", "5")
    found = read_settings()
    assert (found.slot, found.partitions, found.group_id) == (5, 4, "stack")


def test_what_is_given_in_the_program_outranks_them_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_SLOT", "5")
    assert read_settings(slot=6).slot == 6


def test_an_empty_variable_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_PARTITIONS", "")
    assert read_settings().partitions == 8


@pytest.mark.parametrize("level", ["INFO", "Info", "info"])
def test_a_level_of_logs_may_be_written_in_capitals(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", level)
    assert read_settings().log_level == "info"


def test_settings_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_NO_SUCH_SETTING", "1")
    assert read_settings().slot == 0


@pytest.mark.parametrize("proxies", ["proxy", "10.0.0.0/99", "10.20.1.0/16", "10.0.0.1;10.0.0.2", "*"])
def test_proxies_that_nobody_could_be_are_refused(proxies: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDML_TRUSTED_PROXIES", proxies)
    with pytest.raises(BadSetting, match="FRAUDML_TRUSTED_PROXIES is not usable"):
        read_settings()


def test_settings_cannot_be_changed_underway() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_settings().slot = 3


def test_a_field_that_is_none_is_called_by_its_own_name() -> None:
    assert variable_of("no_such_field") == "no_such_field"


SECRET = "hunter2"
ADDRESSES = [
    (f"postgresql://fraud:{SECRET}@db:5432/fraud_db", "postgresql://fraud:****@db:5432/fraud_db"),
    (f"redis://:{SECRET}@cache:6379/0", "redis://:****@cache:6379/0"),
    (f"rediss://default:{SECRET}@@cache/0?db=1", "rediss://default:****@cache/0?db=1"),
    (f"http://user:{SECRET}@mlflow:5000", "http://user:****@mlflow:5000"),
    (f"postgresql://u:{SECRET}@h1:1,h2:2/db", "postgresql://u:****@h1:1,h2:2/db"),
    (f"postgresql://u:{SECRET}/+?#@db:5432/fraud_db", "postgresql://u:****@db:5432/fraud_db"),
    (f"redis://:a/{SECRET}@cache:6379/0", "redis://:****@cache:6379/0"),
    ("postgresql://fraud@db/fraud_db", "postgresql://fraud@db/fraud_db"),
    ("k1:9092,k2:9092", "k1:9092,k2:9092"),
    ("", ""),
]


@pytest.mark.parametrize(("address", "shown"), ADDRESSES)
def test_an_address_is_shown_without_its_password(address: str, shown: str) -> None:
    assert masked(address) == shown


def test_what_is_not_text_is_shown_as_it_is() -> None:
    assert [masked(value) for value in (8, 0.5, True, Path("/srv"))] == ["8", "0.5", "True", "/srv"]


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1).map(lambda s: f"s3cret{s}"))
def test_no_plain_password_is_ever_shown(password: str) -> None:
    assert password not in masked(f"redis://user:{password}@cache:6379/0")


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://db/fraud_db?user=fraud&password={SECRET}",
        f"host=db user=fraud password={SECRET}",
        f"postgresql://fraud:[{SECRET}@db/fraud_db",
    ],
    ids=["in the query", "as keyword and value", "with a bracket"],
)
def test_a_password_is_hidden_wherever_its_client_takes_it(address: str) -> None:
    """Postgres takes it in the query and in its own notation, and with any sign in it."""
    assert SECRET in str(conninfo_to_dict(address)["password"])
    assert SECRET not in masked(address)


SECRETS = [field for field, (_, _, value) in KNOBS.items() if isinstance(value, SecretStr)]


@pytest.mark.parametrize("field", SECRETS)
def test_a_secret_is_never_shown(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, text, _ = KNOBS[field]
    monkeypatch.setenv(variable, text)
    settings = read_settings()
    for shown in (
        str(settings),
        repr(settings),
        settings.model_dump_json(),
        masked(getattr(settings, field)),
    ):
        assert text not in shown


@pytest.mark.parametrize("field", [field for field in SECRETS if field != "kafka_sasl_password"])
def test_a_secret_that_is_refused_is_not_shown_either(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KNOBS[field][0], SECRET)
    with pytest.raises(BadSetting) as refused:
        read_settings()
    assert SECRET not in str(refused.value)


HOLDING_ADDRESSES = [field for field in secret_fields() if field not in SECRETS]


@pytest.mark.parametrize("field", HOLDING_ADDRESSES)
def test_settings_that_are_printed_tell_no_password_of_an_address(
    field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KNOBS[field][0], f"scheme://user:{SECRET}@there/0")
    settings = read_settings()
    assert SECRET in getattr(settings, field)
    assert SECRET not in repr(settings) + str(settings)


def test_there_are_secrets() -> None:
    assert {"api_key", "key_pepper"} <= set(SECRETS)
