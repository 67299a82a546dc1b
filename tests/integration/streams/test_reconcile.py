"""On real stores each kind of damage is found and named, and where there is none nothing is."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from confluent_kafka import Producer, TopicPartition
from prometheus_client import CollectorRegistry

from deploy.jobs import reconciling
from deploy.stack import kafka_topics
from models.decision import alert_id_of, alert_of
from models.errors import KafkaUnavailable
from models.features import FEATURE_NAMES
from streams.answered import Answered
from streams.codecs import encode
from streams.kafka import producer_config, reader_config
from streams.log_reader import LogReader
from streams.reconcile import check
from streams.reconcile.metrics import ReconcileMetrics
from streams.reconcile.outcome import CHECKS, Outcome
from streams.reconcile.range import Range
from streams.reconcile.watch import Pace
from tests.builders import decided, label, transaction
from tests.integration.streams.traffic import WAIT_S, RealTraffic
from tests.stores import Stores, empty_ledger, empty_view

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

OF_THE_FIRST = {"customer_id": "c-00", "terminal_id": "t-00", "amount_minor": 500}
COLUMNS = """
    amount_minor, event_time, decided_at, score, incarnation, partition, scoring_id, decision, path, late,
    customer_id, terminal_id, currency, features
"""
GHOST = f"""
    INSERT INTO decisions ({COLUMNS}, transaction_id, "offset")
    SELECT {COLUMNS}, 'ghost', %s FROM decisions WHERE transaction_id = 'tx-00'
"""
STRAY = f"""
    INSERT INTO decisions ({COLUMNS}, transaction_id, "offset")
    SELECT {COLUMNS.replace("incarnation", "4711")}, 'stray', 1 FROM decisions WHERE transaction_id = 'tx-00'
"""
SCORED_OTHERWISE = """
    WITH other AS (
        INSERT INTO scorings (variant, model_name, model_version, policy_version, ab_version, feature_names)
        SELECT 'other', model_name, model_version, policy_version, ab_version, feature_names FROM scorings
        LIMIT 1 RETURNING scoring_id
    )
    UPDATE decisions SET scoring_id = other.scoring_id FROM other WHERE transaction_id = %s
"""
MADE_UP = (
    '[{"code": "night", "sentence": "It was not.", "feature": "is_night", "value": 1, "usual": null, '
    '"contribution": 0.5}]'
)
SET_ASIDE = """
    INSERT INTO dead_letters (incarnation, partition, "offset", reason, detail)
    SELECT incarnation, partition, "offset", 'not_json', '' FROM decisions WHERE transaction_id = %s
"""


@pytest.fixture(scope="module")
def traffic(stores: Stores, own_database: str, own_keyspace: str) -> Iterator[RealTraffic]:
    """Twelve approved, four reviewed and four declined, with a gap before the last; labels; dead letters; an
    answer of a gateway.
    """
    empty_ledger(own_database)
    empty_view(own_keyspace)
    topics = {f"{name}_topic": f"damaged-{name}" for name in ("transactions", "labels", "alerts")}
    own = {"database_url": own_database, "redis_url": own_keyspace, "group_id": "damaged", **topics}
    settings = stores.settings.model_copy(update=own)
    kafka_topics.ensure(settings.kafka_bootstrap_servers, settings)
    world = RealTraffic(settings)
    amounts = [500] * 12 + [20_000] * 4 + [200_000] * 4
    world.send(
        *(
            transaction(
                f"tx-{n:02}", customer_id=f"c-{n:02}", terminal_id=f"t-{n:02}", amount_minor=minor, day=n
            )
            for n, minor in enumerate(amounts)
        )
    )
    world.leave_hole()
    world.send(b"{oops", transaction("tx-00", **OF_THE_FIRST), transaction("tx-01"), b"")
    world.send(*(transaction(f"more-{n}", customer_id=f"m-{n}") for n in range(4)), partition=1)
    world.label(label("tx-02"), label("tx-03"), label("tx-02"), label("unknown"), b"{oops", partition=1)
    answer = decided(transaction_id="tx-r", path="rest", customer_id="c-rest", terminal_id="t-rest")
    world.send_answered(Answered(answer, np.zeros(len(FEATURE_NAMES), np.float32)))
    yield world
    world.close()


@pytest.fixture(scope="module")
def clean(traffic: RealTraffic) -> Outcome:
    return traffic.reconcile(Range())


def test_where_there_is_no_damage_nothing_is_found(clean: Outcome) -> None:
    assert clean.first() == []
    assert (clean.records, clean.proven) == (34, 34)
    assert {name: clean.checks[name].checked for name in CHECKS} == {
        "rows": 29,
        "labels": 5,
        "conservation": 4,
        "alerts": 9,
        "dead_letters": 3,
        "answers": 1,
        "rest": 0,
        "histories": 25 + 21 + 1,
        "positions": 4,
    }


def test_a_round_of_the_background_check_is_kept_in_the_ledger(
    traffic: RealTraffic, clean: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "serve", lambda *_: SimpleNamespace(server_port=0))
    metrics = ReconcileMetrics(CollectorRegistry())
    watch = reconciling.watch_of(traffic.settings, Pace(60.0, 3600.0), None, metrics)
    for _ in range(2):
        watch.once()
    found = traffic.operator.execute(
        "SELECT findings, records, proven, checks, took_s FROM reconcile_rounds ORDER BY round_id"
    )
    (findings, records, proven, checks, took_s), second = found.fetchall()
    assert (findings, records, proven) == (0, 34, 34)
    assert {name: each["checked"] for name, each in checks.items()} == {
        name: check.checked for name, check in clean.checks.items()
    }
    assert 0 < took_s < WAIT_S
    assert second[:3] == (0, 0, 0)


@pytest.mark.parametrize(("hours", "records"), [(-1, 34), (1, 0)])
def test_a_range_begins_by_the_brokers_time(
    traffic: RealTraffic, clean: Outcome, hours: int, records: int
) -> None:
    since = datetime.now(UTC) + timedelta(hours=hours)
    found = traffic.reconcile(Range(since=since))
    assert (found.records, found.first()) == (records, [])
    assert traffic.reconcile(Range(until=since)).records == 34 - records


def test_committed_offsets_are_told_once_no_transaction_holds_others_back(
    traffic: RealTraffic, clean: Outcome
) -> None:
    """Else an alert could be seen whose offset seems not to be committed."""
    producer = Producer(producer_config(traffic.settings, "open") | {"transactional.id": "damaged-open"})
    producer.init_transactions(WAIT_S)
    producer.begin_transaction()
    topic = traffic.names.transactions
    producer.send_offsets_to_transaction([TopicPartition(topic, 0, 27)], traffic.kafka.group(), WAIT_S)
    with closing(LogReader(reader_config(traffic.settings, traffic.settings.group_id), 1.0)) as impatient:
        with pytest.raises(KafkaUnavailable):
            impatient.committed(topic)
        producer.commit_transaction(WAIT_S)
        assert impatient.committed(topic)[0] == 27


# Each kind of damage, and how it is named.


def set_aside_what_was_decided(world: RealTraffic) -> None:
    world.execute(SET_ASIDE, "tx-08")
    world.execute("DELETE FROM decisions WHERE transaction_id = 'tx-08'")


def send_a_dead_letter_again(world: RealTraffic, **headers: str) -> None:
    topic = world.names.letters[world.names.transactions]
    first = next(each for each in world.sent(topic) if dict(each.headers())["source_offset"] == b"22")
    changed = dict(first.headers()) | {name: value.encode() for name, value in headers.items()}
    world.produce(topic, first.partition(), first.value(), headers=list(changed.items()))


def send_an_alert_again(world: RealTraffic) -> None:
    (alert,) = (each for each in world.sent(world.names.alerts) if b'"tx-12"' in each.value())
    world.produce(world.names.alerts, alert.partition(), alert.value())


def send_an_alert_of_a_stranger(world: RealTraffic) -> None:
    world.produce(world.names.alerts, 0, encode(alert_of(decided(transaction_id="stranger"))))


def keep_from_its_record(world: RealTraffic) -> None:
    world.execute(
        "UPDATE decisions SET incarnation = NULL, partition = NULL, \"offset\" = NULL, path = 'rest', "
        "decided_at = now() - interval '1 minute' WHERE transaction_id = 'tx-11'"
    )


def commit_less(world: RealTraffic) -> None:
    world.kafka.later({(world.names.transactions, 1): 3})
    world.kafka.commit_owed()


def settle_less(world: RealTraffic) -> None:
    world.execute("UPDATE progress SET next_offset = 2 WHERE partition = 1 AND next_offset = 4")


def sql(statement: str, *values: object) -> Callable[[RealTraffic], None]:
    return lambda world: world.execute(statement, *values)


DAMAGE: dict[str, tuple[Callable[[RealTraffic], object], list[str]]] = {
    "a missing row": (
        sql("DELETE FROM decisions WHERE transaction_id = 'tx-05'"),
        ["rows: transaction damaged-transactions/0/5 (tx-05) has no row"],
    ),
    "a foreign row": (
        sql(GHOST, 20),
        ["rows: row ghost has no record at damaged-transactions/0/20"],
    ),
    "a changed body": (
        sql("UPDATE decisions SET amount_minor = 501 WHERE transaction_id = 'tx-06'"),
        ["rows: transaction damaged-transactions/0/6 (tx-06) has a row with another body"],
    ),
    "a missing alert": (
        sql("UPDATE decisions SET decision = 'review' WHERE transaction_id = 'tx-07'"),
        ["alerts: transaction tx-07 was flagged and has no alert"],
    ),
    "a doubled alert": (
        send_an_alert_again,
        ["alerts: transaction tx-12 was flagged and has 2 alerts"],
    ),
    "a foreign alert": (
        send_an_alert_of_a_stranger,
        [f"alerts: alert {alert_id_of('stranger')} of transaction stranger has no row"],
    ),
    "a changed score": (
        sql("UPDATE decisions SET score = 0.55 WHERE transaction_id = 'tx-13'"),
        [f"alerts: alert {alert_id_of('tx-13')} of transaction tx-13 is not what its row says"],
    ),
    "another variant": (
        sql(SCORED_OTHERWISE, "tx-15"),
        [f"alerts: alert {alert_id_of('tx-15')} of transaction tx-15 is not what its row says"],
    ),
    "another reason": (
        sql("UPDATE decisions SET reasons = %s WHERE transaction_id = 'tx-16'", MADE_UP),
        [f"alerts: alert {alert_id_of('tx-16')} of transaction tx-16 is not what its row says"],
    ),
    "an answer that is not its row": (
        sql("UPDATE decisions SET late = true WHERE transaction_id = 'tx-r'"),
        ["answers: record damaged-transactions/0/26 bears the answer on tx-r, and its row says otherwise"],
    ),
    "a scoring that is not there": (
        sql("UPDATE decisions SET scoring_id = 9999 WHERE transaction_id = 'tx-01'"),
        ["rows: the row of tx-01 names a topic or scoring that is not there"],
    ),
    "a topic that is not there": (
        sql(STRAY),
        ["rows: the row of stray names a topic or scoring that is not there"],
    ),
    "a label that changes something else": (
        sql("UPDATE labels SET delta = -1 WHERE transaction_id = 'tx-03'"),
        ["labels: the labels of tx-03 do not add up to the latest"],
    ),
    "a missing dead letter": (
        set_aside_what_was_decided,
        ["dead_letters: the dead letter of damaged-transactions/0/8 is out nowhere"],
    ),
    "a doubled dead letter": (
        send_a_dead_letter_again,
        ["dead_letters: the dead letter of damaged-transactions/0/22 is out 2 times"],
    ),
    "a foreign dead letter": (
        lambda world: send_a_dead_letter_again(world, source_offset="9"),
        ["dead_letters: a dead letter of damaged-transactions/0/9 is out, and none is recorded"],
    ),
    "a wrong history": (
        lambda world: world.redis.append(world.history("c:c-09"), world.redis.get(world.history("c:c-10"))),
        ["histories: the history of customer c-09 is not what the ledger gives"],
    ),
    "a missing history": (
        lambda world: world.redis.delete(world.history("t:t-10")),
        ["histories: the history of terminal t-10 is not what the ledger gives"],
    ),
    "an extra history": (
        lambda world: world.redis.copy(world.history("c:c-10"), world.history("c:c-10") + b"-ghost"),
        ["histories: the history of customer c-10-ghost is not what the ledger gives"],
    ),
    "a lost label": (
        sql("DELETE FROM labels WHERE transaction_id = 'tx-02'"),
        [
            "labels: label damaged-labels/1/0 (version 1 of tx-02) has left no trace",
            "histories: the history of terminal t-02 is not what the ledger gives",
        ],
    ),
    "a lost parked label": (
        sql("DELETE FROM parked_labels"),
        ["labels: label damaged-labels/1/3 (version 1 of unknown) has left no trace"],
    ),
    "a changed label": (
        sql("UPDATE labels SET source = 'analyst' WHERE transaction_id = 'tx-03'"),
        ["labels: label damaged-labels/1/1 (version 1 of tx-03) was taken as something else"],
    ),
    "an unclaimed row": (
        keep_from_its_record,
        ["rows: transaction damaged-transactions/0/11 (tx-11) has not claimed its row"],
    ),
    "a committed offset gone back": (
        commit_less,
        ["positions: damaged-transactions/1: the committed offset went back from 4 to 3"],
    ),
    "a progress gone back": (
        settle_less,
        [
            "positions: damaged-transactions/1: the ledger's progress went back from 4 to 2",
            "positions: damaged-transactions/1: committed 3 is past the ledger's progress 2",
            "positions: damaged-transactions/1: watermark 4 of group 0 is past the ledger's progress 2",
            "positions: a decision is recorded at damaged-transactions/1/2, at or above the progress",
        ],
    ),
}


@pytest.fixture(scope="module")
def found(traffic: RealTraffic, clean: Outcome) -> list[str]:
    """What is found once everything has been done to the stores."""
    for damage, _ in DAMAGE.values():
        damage(traffic)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "SHOWN", 100)
        return traffic.reconcile(Range(), clean.standings).first()


@pytest.mark.parametrize("kind", DAMAGE)
def test_each_kind_of_damage_is_found_and_named(kind: str, found: list[str]) -> None:
    _, expected = DAMAGE[kind]
    assert [what for what in expected if what not in found] == []


@pytest.mark.slow
def test_what_was_not_damaged_is_not_named(found: list[str]) -> None:
    sound = ("tx-04", "tx-14", "tx-19", "c-04", "t-14", "m-0", "m-3", "/0/4 ", "labels/0/")
    assert [what for what in found if any(name in what for name in sound)] == []
