"""What could never be decided is counted, shown masked, and sent again at most once."""

import json
import uuid
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from deploy.stack.waiting import until
from tests.e2e.command_line import CommandLine

pytestmark = pytest.mark.stack


class Refused(NamedTuple):
    """A transaction in another currency. only: what chooses its letter, and none that others left here.

    Those would come back with every replay, and too many malformed records stop a partition.
    """

    transaction_id: str
    only: tuple[str, ...]


@pytest.fixture(scope="module")
def refused(fraudml: CommandLine) -> Refused:
    now = datetime.now(UTC)
    made = Refused(
        f"refused-{uuid.uuid4()}", ("--reason", "currency", "--since", now.strftime("%Y-%m-%dT%H:%M:%S"))
    )
    document = {
        "transaction_id": made.transaction_id,
        "customer_id": "dlq-customer",
        "terminal_id": "dlq-terminal",
        "amount_minor": 1999,
        "currency": "USD",
        "event_time": "2018-06-01T12:00:00Z",
    }
    assert fraudml.run("score", "-", stdin=json.dumps(document)).returncode == 4
    return made


def test_dead_letters_are_counted_by_reason(fraudml: CommandLine, refused: Refused) -> None:
    (found,) = fraudml.json("dlq", "list", *refused.only, "--json")
    assert (found["topic"], found["reason"]) == ("transactions", "currency")
    assert found["letters"] >= 1


def test_a_dead_letter_is_shown_with_its_shape_alone(fraudml: CommandLine, refused: Refused) -> None:
    shown = fraudml.ok("dlq", "show", *refused.only).stdout
    letter = json.loads(shown.splitlines()[-1])
    assert letter["payload"]["amount_minor"] == "<int>"
    assert refused.transaction_id not in shown
    assert "dlq-customer" not in shown


def test_a_replay_sends_each_letter_once_and_a_second_one_nothing(
    fraudml: CommandLine, refused: Refused
) -> None:
    planned = fraudml.json("dlq", "replay", *refused.only, "--dry-run", "--json")
    first = fraudml.json("dlq", "replay", *refused.only, "--json")
    assert first["sent"] == planned["would_send"] >= 1
    second = fraudml.json("dlq", "replay", *refused.only, "--json")
    assert second["sent"] == 0


def test_what_was_sent_too_early_and_refused_again_is_sent_once_more_when_told_so(
    fraudml: CommandLine, refused: Refused
) -> None:
    """The copy that the replay sent has become a letter of its own by now, or does so soon."""
    fraudml.json("dlq", "replay", *refused.only, "--json")

    def waiting() -> bool:
        return bool(
            fraudml.json("dlq", "replay", *refused.only, "--again", "--dry-run", "--json")["would_send"]
        )

    until(waiting, within_s=30, every_s=0.5)
    assert fraudml.json("dlq", "replay", *refused.only, "--json")["sent"] == 0
    assert fraudml.json("dlq", "replay", *refused.only, "--again", "--json")["sent"] >= 1


def test_nothing_is_found_for_a_topic_without_dead_letters(fraudml: CommandLine) -> None:
    done = fraudml.run("dlq", "list", "--topic", "alerts")
    assert done.returncode != 0
    assert "--topic transactions" in done.stderr


def noted(fraudml: CommandLine, action: str) -> list[tuple[str, str, str]]:
    """Object, outcome and reason of what was done, oldest first."""
    rows = [json.loads(line)["row"] for line in fraudml.ok("audit", "export").stdout.splitlines()]
    return [(row["object"], row["outcome"], row["why"]) for row in rows if row["action"] == action]


@pytest.mark.slow
def test_a_replay_is_in_the_audit_table_with_who_asked_for_it(fraudml: CommandLine, refused: Refused) -> None:
    before = len(noted(fraudml, "replay"))
    fraudml.ok("dlq", "replay", *refused.only, "--dry-run")
    assert len(noted(fraudml, "replay")) == before

    def sent() -> bool:
        words = ("--again", "--why", "the till is mended", "--json")
        return bool(fraudml.json("dlq", "replay", *refused.only, *words)["sent"])

    until(sent, within_s=30, every_s=0.5)
    assert noted(fraudml, "replay")[before:] == [
        ("dlq of all topics", "begun", "the till is mended"),
        ("dlq of all topics", "done", "the till is mended"),
    ]


@pytest.mark.slow
def test_an_allowance_and_a_rebuild_are_in_the_audit_table_too(fraudml: CommandLine) -> None:
    fraudml.ok("dlq", "allow", "--topic", "labels", "--partition", "1", "--why", "looked at")
    assert noted(fraudml, "allow")[-2:] == [
        ("dlq labels/1", "begun", "looked at"),
        ("dlq labels/1", "done", "looked at"),
    ]
    fraudml.ok("rebuild", "--why", "a drill")
    assert noted(fraudml, "rebuild") == [("view", "begun", "a drill"), ("view", "done", "a drill")]


def test_what_was_done_here_is_one_unbroken_chain(fraudml: CommandLine) -> None:
    head = fraudml.ok("audit", "head").stdout.strip()
    assert fraudml.json("audit", "verify", "--head", head, "--json")["broken"] is None
