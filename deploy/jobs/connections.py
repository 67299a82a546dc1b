"""What jobs connect to: the stores of the settings, outside any worker."""

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient

from streams.applied import AppliedOffsets
from streams.kafka import client_config, reader_config, topic_ids
from streams.ledger import PostgresLedger
from streams.ledger.audit import PostgresAudit
from streams.ledger.keys import PostgresKeys
from streams.ledger.rules import PostgresRules
from streams.ledger.scan import LedgerScan
from streams.log_reader import LogReader
from streams.settings import Settings
from streams.view import RedisView


@contextmanager
def ledger_of(settings: Settings) -> Iterator[PostgresLedger]:
    ledger = PostgresLedger(settings.database_url, settings.ledger_timeout_s, "fraudml-cli")
    try:
        yield ledger
    finally:
        ledger.close()


@contextmanager
def scan_of(settings: Settings) -> Iterator[LedgerScan]:
    scan = LedgerScan(settings.database_url, settings.scan_timeout_s)
    try:
        yield scan
    finally:
        scan.close()


@contextmanager
def view_of(settings: Settings) -> Iterator[RedisView]:
    view = RedisView(settings.redis_url, settings.view_timeout_s, settings.state_groups)
    try:
        yield view
    finally:
        view.close()


@contextmanager
def log_of(settings: Settings) -> Iterator[LogReader]:
    log = LogReader(reader_config(settings, settings.group_id), settings.kafka_timeout_s)
    try:
        yield log
    finally:
        log.close()


@contextmanager
def rules_of(settings: Settings) -> Iterator[PostgresRules]:
    rules = PostgresRules(settings.database_url, settings.ledger_timeout_s, "fraudml-cli")
    try:
        yield rules
    finally:
        rules.close()


@contextmanager
def keys_of(settings: Settings) -> Iterator[PostgresKeys]:
    keys = PostgresKeys(settings.database_url, settings.ledger_timeout_s, "fraudml-cli")
    try:
        yield keys
    finally:
        keys.close()


@contextmanager
def audit_of(settings: Settings) -> Iterator[PostgresAudit]:
    audit = PostgresAudit(settings.database_url, settings.scan_timeout_s, "fraudml-cli")
    try:
        yield audit
    finally:
        audit.close()


def ids_of_topics(settings: Settings) -> dict[str, str]:
    """Kafka's ids of the two topics that workers read."""
    admin = AdminClient(client_config(settings, "cli"))
    topics = [settings.transactions_topic, settings.labels_topic]
    return topic_ids(admin, topics, settings.kafka_timeout_s)


def applied_of(settings: Settings, view: RedisView) -> AppliedOffsets:
    return AppliedOffsets(view, ids_of_topics(settings), settings.partitions)
