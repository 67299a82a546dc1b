"""Rule 7 and its neighbours: what the outbox does when Kafka fails, answers late, or has fenced it."""

from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import tenacity
from confluent_kafka import KafkaError

from models.decision import Alert, alert_id_of
from models.errors import AssignmentLost, KafkaUnavailable, OutcomeUnknown, SlotTaken
from streams import alerts as alerts_module
from streams.alerts import KafkaOutbox
from streams.arrivals import DeadLetter
from streams.offsets import NOT_OURS, Place
from streams.ports import ParkedLabel
from streams.settings import Settings
from tests.builders import Worker, transaction
from tests.unit.streams.scripted_producer import ScriptedProducer, failure
from tests.unit.streams.virtual_time import Clock

OFFSETS = {("transactions", 3): 8}
GIVE_UP_S = 300.0


class Going:
    """An outbox over scripted producers, in virtual time; also its commit book."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        self.fails: dict[str, deque[Exception]] = {}
        self.happened: list[str] = []
        self.producers: list[ScriptedProducer] = []
        monkeypatch.setattr(alerts_module, "Producer", self._producer)
        monkeypatch.setattr(tenacity, "time", SimpleNamespace(monotonic=self.clock))
        monkeypatch.setattr(tenacity.nap, "time", SimpleNamespace(sleep=self.clock.wait))
        settings = Settings.model_construct(home=Path("/nowhere"), slot=4, group_id="g", give_up_s=GIVE_UP_S)
        self.outbox = KafkaOutbox(settings, self)

    def publish(self, *, alerts: Any = None, dead: Any = (), group: Any = "group") -> None:
        self.outbox.publish(ALERTS if alerts is None else alerts, dead, OFFSETS, group)

    def later(self, offsets: Mapping[Place, int]) -> None:
        assert offsets == OFFSETS
        self.happened.append("later")

    def done(self, offsets: Mapping[Place, int]) -> None:
        assert offsets == OFFSETS
        self.happened.append("done")

    def fail(self, what: str, *errors: Exception) -> None:
        self.fails[what] = deque(errors)

    def _producer(self, config: dict[str, Any]) -> ScriptedProducer:
        self.producers.append(ScriptedProducer(config, self.fails, self.happened))
        return self.producers[-1]


def decided() -> list[Any]:
    worker = Worker()
    worker.decide(transaction("a", amount_minor=20_000, customer_id="c-7"))
    return list(worker.outbox.alerts)


ALERTS = decided()
LETTER = DeadLetter("labels", "labels-id", 2, 9, 1234, b"key", b"\xff", "not_json", "x" * 600)


@pytest.fixture
def going(monkeypatch: pytest.MonkeyPatch) -> Going:
    return Going(monkeypatch)


def test_a_sweep_without_alerts_opens_no_transaction(going: Going) -> None:
    going.publish(alerts=[])
    assert going.happened == ["later"]


def test_alerts_and_offsets_go_out_in_one_transaction_before_the_book_hears_of_it(going: Going) -> None:
    going.publish()
    assert going.happened == ["init", "begin", "produce", "offsets", "commit", "done"]
    (producer,) = going.producers
    ((topic, key, value, _),) = producer.records
    assert (topic, key) == ("alerts", b"c-7")
    assert msgspec.json.decode(value or b"", type=Alert).alert_id == alert_id_of("a")
    assert producer.offsets == [(OFFSETS, "group")]


def test_a_dead_letter_is_the_original_with_headers_that_say_where_from_and_why(going: Going) -> None:
    going.publish(alerts=[], dead=[LETTER])
    ((topic, key, value, headers),) = going.producers[0].records
    assert (topic, key, value) == ("labels.dlq", b"key", b"\xff")
    texts = {name: raw.decode() for name, raw in headers.items()}
    assert texts["detail"] == LETTER.detail
    assert {name: texts[name] for name in ("reason", "stage", "attempt", "schema_version")} == {
        "reason": "not_json",
        "stage": "decode",
        "attempt": "1",
        "schema_version": "1",
    }
    assert [texts[f"source_{name}"] for name in ("topic", "partition", "offset", "timestamp")] == [
        "labels",
        "2",
        "9",
        "1234",
    ]


def test_each_worker_slot_has_a_transactional_id_of_its_own(going: Going) -> None:
    going.outbox.open()
    assert going.producers[0].config["transactional.id"] == "g-4"
    assert going.producers[0].config["enable.idempotence"] is True


def test_the_producer_is_kept_from_one_transaction_to_the_next(going: Going) -> None:
    going.publish()
    going.publish()
    assert going.happened.count("init") == 1
    assert going.happened.count("done") == 2


def test_a_commit_whose_answer_got_lost_is_asked_for_again_on_the_same_transaction(going: Going) -> None:
    going.fail("commit", *(failure(retriable=True) for _ in range(3)))
    going.publish()
    assert going.happened == ["init", "begin", "produce", "offsets", *["commit"] * 4, "done"]


def test_a_commit_that_is_never_answered_stops_the_worker_with_nothing_new_begun(going: Going) -> None:
    going.fail("commit", *(failure(retriable=True) for _ in range(10_000)))
    with pytest.raises(OutcomeUnknown, match="words"):
        going.publish()
    assert GIVE_UP_S <= going.clock.now_s < GIVE_UP_S + 5
    assert set(going.happened[4:]) == {"commit"}


@pytest.mark.parametrize("step", ["begin", "produce", "offsets", "commit"])
def test_a_transaction_that_fails_is_aborted_and_may_be_tried_again(going: Going, step: str) -> None:
    going.fail(step, failure(KafkaError.INVALID_TXN_STATE, txn_requires_abort=True))
    with pytest.raises(KafkaUnavailable, match="words"):
        going.publish()
    assert going.happened[-1] == "abort"
    going.publish()
    assert going.happened[-2:] == ["commit", "done"]
    assert going.happened.count("done") == 1


@pytest.mark.parametrize("code", sorted(NOT_OURS))
@pytest.mark.parametrize("step", ["offsets", "commit"])
def test_whoever_speaks_for_an_older_group_is_told_so_and_shows_nothing(
    going: Going, step: str, code: int
) -> None:
    going.fail(step, failure(code))
    with pytest.raises(AssignmentLost, match="words"):
        going.publish()
    assert going.happened[-1] == "abort"


@pytest.mark.parametrize("step", ["begin", "produce", "offsets", "commit"])
def test_a_worker_that_was_fenced_stops(going: Going, step: str) -> None:
    going.fail(step, failure(KafkaError._FENCED, fatal=True))
    with pytest.raises(SlotTaken, match="slot 4"):
        going.publish()
    assert "abort" not in going.happened
    assert "done" not in going.happened


def test_a_producer_that_cannot_even_abort_is_replaced_and_the_new_one_settles_it(going: Going) -> None:
    going.fail("offsets", failure(KafkaError.INVALID_TXN_STATE))
    going.fail("abort", failure(KafkaError._STATE))
    with pytest.raises(KafkaUnavailable):
        going.publish()
    going.publish()
    assert len(going.producers) == 2
    assert going.happened[-6:] == ["init", "begin", "produce", "offsets", "commit", "done"]


def test_a_client_that_never_comes_back_is_left_behind_and_a_new_one_settles_its_transaction(
    going: Going, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As librdkafka does where the coordinator it knew has left the metadata: its own time-out is no help."""
    given: list[float] = []

    def never(timeout_s: float, call: Any) -> None:
        given.append(timeout_s)
        raise TimeoutError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(alerts_module, "finish_within", never)
        with pytest.raises(KafkaUnavailable, match="does not come back"):
            going.publish()
    assert (given, going.happened) == ([11.0], ["init", "begin", "produce"])
    going.publish()
    assert len(going.producers) == 2
    assert going.happened[3:] == ["init", "begin", "produce", "offsets", "commit", "done"]


def test_a_full_queue_is_emptied_and_the_record_produced_again(going: Going) -> None:
    going.fail("produce", BufferError("queue full"))
    going.publish()
    assert going.happened == ["init", "begin", "produce", "poll", "produce", "offsets", "commit", "done"]


def test_a_queue_that_stays_full_shows_nothing(going: Going) -> None:
    going.fail("produce", BufferError("queue full"), BufferError("queue full"))
    with pytest.raises(KafkaUnavailable, match="queue full"):
        going.publish()
    assert going.happened[-1] == "abort"


def test_an_opening_that_fails_is_raised_in_our_words(going: Going) -> None:
    going.fail("init", failure(KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED))
    with pytest.raises(KafkaUnavailable, match=r"begin the worker's transactions\. words"):
        going.outbox.open()


def test_parked_labels_go_back_to_their_topic_together_and_move_no_offsets(going: Going) -> None:
    labels = [ParkedLabel(("labels-id", 0, n), b"key", b"%d" % n) for n in range(2)]
    going.outbox.return_labels(labels)
    assert going.happened == ["init", "begin", "produce", "produce", "commit"]
    assert [record[:3] for record in going.producers[0].records] == [
        ("labels", b"key", b"0"),
        ("labels", b"key", b"1"),
    ]
