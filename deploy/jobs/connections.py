"""What jobs connect to: the stores of the settings, outside any worker; closed at the end of a `with`."""

from contextlib import closing

from confluent_kafka.admin import AdminClient

from streams.applied import AppliedOffsets
from streams.kafka import client_config, reader_config, topic_ids
from streams.ledger import PostgresLedger
from streams.ledger.audit import PostgresAudit
from streams.ledger.keys import PostgresKeys
from streams.ledger.rounds import PostgresRounds
from streams.ledger.rules import PostgresRules
from streams.ledger.scan import LedgerScan
from streams.ledger.users import PostgresUsers
from streams.log_reader import LogReader
from streams.settings import Settings
from streams.view import RedisView

NAME = "fraudml-cli"  # as Postgres lists its sessions


def ledger_of(settings: Settings) -> closing[PostgresLedger]:
    return closing(PostgresLedger(settings.database_url, settings.ledger_timeout_s, NAME))


def scan_of(settings: Settings) -> closing[LedgerScan]:
    return closing(LedgerScan(settings.database_url, settings.scan_timeout_s))


def view_of(settings: Settings) -> closing[RedisView]:
    return closing(RedisView(settings.redis_url, settings.view_timeout_s, settings.state_groups))


def log_of(settings: Settings) -> closing[LogReader]:
    return closing(LogReader(reader_config(settings, settings.group_id), settings.kafka_timeout_s))


def rounds_of(settings: Settings) -> closing[PostgresRounds]:
    return closing(PostgresRounds(settings.database_url, settings.ledger_timeout_s, NAME))


def rules_of(settings: Settings) -> closing[PostgresRules]:
    return closing(PostgresRules(settings.database_url, settings.ledger_timeout_s, NAME))


def users_of(settings: Settings) -> closing[PostgresUsers]:
    return closing(PostgresUsers(settings.database_url, settings.ledger_timeout_s, NAME))


def keys_of(settings: Settings) -> closing[PostgresKeys]:
    return closing(PostgresKeys(settings.database_url, settings.ledger_timeout_s, NAME))


def audit_of(settings: Settings) -> closing[PostgresAudit]:
    return closing(PostgresAudit(settings.database_url, settings.scan_timeout_s, NAME))


def ids_of_topics(settings: Settings) -> dict[str, str]:
    """Kafka's ids of the two topics that workers read."""
    admin = AdminClient(client_config(settings, "cli"))
    topics = [settings.transactions_topic, settings.labels_topic]
    return topic_ids(admin, topics, settings.kafka_timeout_s)


def applied_of(settings: Settings, view: RedisView) -> AppliedOffsets:
    return AppliedOffsets(view, ids_of_topics(settings), settings.partitions)
