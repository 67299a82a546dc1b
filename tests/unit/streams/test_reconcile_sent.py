"""Every review and decline has one alert, every record set aside one dead letter, and nothing else has."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from models.decision import alert_id_of
from streams.arrivals import DeadLetter
from streams.codecs import encode
from streams.reconcile import fingerprint, letters
from streams.reconcile.range import Range
from streams.topics import KEPT
from tests.builders import transaction
from tests.unit.streams.reconciled import Traffic, decided_by_rest, moment


def traffic(count: int = 6) -> Traffic:
    """tx-0, tx-3: approved; tx-1, tx-4: reviewed; tx-2, tx-5: declined; and so on. Two dead letters each."""
    world = Traffic()
    amounts = [500, 20_000, 200_000]
    world.send(*(transaction(f"tx-{n}", day=n, amount_minor=amounts[n % 3]) for n in range(count)))
    world.send(b"{oops", transaction(f"tx-{count}"), b"")
    world.send(b"{oops", b"", topic="labels")
    return world


@pytest.mark.parametrize("name", ["tx-1", "tx-2"])
def test_a_missing_alert_is_found(name: str) -> None:
    world = traffic()
    world.alerts[:] = [alert for alert in world.alerts if alert.transaction_id != name]
    assert world.found("alerts") == [f"transaction {name} was flagged and has no alert"]


def test_a_doubled_alert_is_found() -> None:
    world = traffic()
    world.alerts.append(world.alerts[2])
    name = world.alerts[2].transaction_id
    assert world.found("alerts") == [f"transaction {name} was flagged and has 2 alerts"]


def test_an_alert_for_what_was_approved_is_found() -> None:
    world = traffic()
    world.alerts.append(world.ledger.rows["tx-3"].decided)
    assert world.found("alerts") == [
        f"alert {alert_id_of('tx-3')} of transaction tx-3 is out, though its row is an approval"
    ]


def test_an_alert_for_nothing_is_found() -> None:
    world, strangers = traffic(), Traffic()
    strangers.send(transaction("stranger", amount_minor=20_000))
    world.alerts += strangers.alerts
    assert world.found("alerts") == [f"alert {alert_id_of('stranger')} of transaction stranger has no row"]


@pytest.mark.parametrize(
    "damage",
    [
        {"decision": "decline"},
        {"score": 0.51},
        {"customer_id": "c-9"},
        {"terminal_id": "t-9"},
        {"amount_minor": 1},
    ],
    ids=str,
)
def test_an_alert_that_does_not_say_what_its_row_says_is_found(damage: dict[str, Any]) -> None:
    world = traffic()
    world.alerts[0] = structs.replace(world.alerts[0], **damage)
    assert world.found("alerts") == [
        f"alert {alert_id_of('tx-1')} of transaction tx-1 is not what its row says"
    ]


@pytest.mark.parametrize("value", [None, b"{oops", b"{}", b"\xff"])
def test_a_record_among_the_alerts_that_is_none_is_found(value: bytes | None) -> None:
    world = traffic()
    world.foreign["alerts"] = [value]
    assert world.found("alerts") == ["alerts/0/4 holds no alert"]


def test_an_alert_with_an_id_of_its_own_is_found() -> None:
    world = traffic()
    world.foreign["alerts"] = [encode({"alert_id": "mine"} | structs.asdict(world.alerts.pop()))]
    assert world.found("alerts") == ["alert mine of transaction tx-5 is not what its row says"]


def test_the_alert_of_a_decision_that_no_record_has_claimed_is_found() -> None:
    world = traffic()
    decided_by_rest(world, "by-rest", amount_minor=20_000)
    world.now = moment(5)
    assert world.found("alerts") == []
    world.alerts.append(world.ledger.rows["by-rest"].decided)
    assert world.found("alerts") == [
        f"alert {alert_id_of('by-rest')} of transaction by-rest is out, though no record has claimed its row"
    ]


def test_alerts_of_what_is_not_committed_yet_may_be_out_or_not() -> None:
    world = traffic()
    offsets = dict(world.outbox.offsets)
    world.send(
        transaction("more-1", day=9, amount_minor=20_000), transaction("more-2", day=9, amount_minor=20_000)
    )
    world.outbox.offsets.update(offsets)
    world.alerts.pop()
    assert world.reconcile()["findings"] == 0


def test_alerts_that_are_written_and_being_committed_are_waited_for() -> None:
    world = traffic()
    world.open["alerts", 0] = 1
    assert world.reconcile()["findings"] == 0


def test_alerts_of_a_range_are_those_of_its_records() -> None:
    world = traffic(9)
    assert world.reconcile(Range(moment(3), moment(8)))["checks"]["alerts"]["findings"] == 0
    world.alerts[:] = [alert for alert in world.alerts if alert.transaction_id not in ("tx-2", "tx-7")]
    assert world.found("alerts", Range(moment(3), moment(8))) == [
        "transaction tx-7 was flagged and has no alert"
    ]


def test_alerts_that_may_have_expired_are_not_missed() -> None:
    world = traffic()
    world.alerts.clear()
    world.now = moment(4) + KEPT - timedelta(minutes=1)
    assert world.found("alerts") == [
        "transaction tx-4 was flagged and has no alert",
        "transaction tx-5 was flagged and has no alert",
    ]


@pytest.mark.parametrize("most_held", [1, 3, 1000])
def test_however_many_alerts_are_missing_and_doubled_all_are_counted(
    most_held: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fingerprint, "MOST_HELD", most_held)
    world = traffic(60)
    world.alerts[:] = world.alerts[15:] + world.alerts[30:]
    assert world.reconcile()["checks"]["alerts"]["findings"] == 15 + 10


# Dead letters.


def test_a_missing_dead_letter_is_found() -> None:
    world = traffic()
    del world.letters[0]
    assert world.found("dead_letters") == ["the dead letter of transactions/0/6 is out nowhere"]


@pytest.mark.parametrize(("number", "place"), [(1, "transactions/0/8"), (2, "labels/0/0")])
def test_a_doubled_dead_letter_is_found(number: int, place: str) -> None:
    world = traffic()
    world.letters.append(world.letters[number])
    assert world.found("dead_letters") == [f"the dead letter of {place} is out 2 times"]


def test_a_dead_letter_of_what_was_decided_is_found() -> None:
    world = traffic()
    world.letters.append(_letter(world, offset=3))
    assert world.found("dead_letters") == ["a dead letter of transactions/0/3 is out, and none is recorded"]


def test_a_dead_letter_of_another_incarnation_or_of_what_is_still_to_come_is_not_judged() -> None:
    world = traffic()
    world.letters += [_letter(world, topic_id="earlier-id"), _letter(world, offset=99)]
    assert world.found("dead_letters") == []


def test_a_record_among_the_dead_letters_that_is_none_is_found() -> None:
    world = traffic()
    world.foreign["labels.dlq"] = [b"what is this"]
    assert world.found("dead_letters") == ["labels.dlq/0/2 holds no dead letter of ours"]


def test_dead_letters_are_looked_for_in_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "OFFSETS_AT_ONCE", 2)
    world = traffic()
    assert world.found("dead_letters") == []
    world.letters.clear()
    assert len(world.found("dead_letters")) == 4


def _letter(world: Traffic, **fields: Any) -> DeadLetter:
    return replace(world.letters[0], **fields)
