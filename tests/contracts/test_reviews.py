"""Cases in Postgres: one person at a case, every action audited with it, a verdict with its label, which
stands once among the labels whoever dies."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from api.verdict_log import AGAIN_S, VerdictLog
from models.errors import (
    CaseChanged,
    CaseHeld,
    CaseNotHeld,
    CaseSettled,
    FraudError,
    KafkaUnavailable,
    LedgerUnavailable,
    MalformedReview,
    NotFound,
    TooLateToUndo,
)
from models.finding import Finding
from models.label import Label
from models.review import CaseDocument, Times
from streams.ledger.audit import PostgresAudit
from streams.ledger.review_queue import NOBODY, QueueAsk, QueuePage, page
from streams.ledger.reviews import PostgresReviews
from tests.builders import decided, label, transaction
from tests.contracts.ledger_worlds import TIMEOUT_S, PostgresWorld, together
from tests.contracts.offers import decide, label_next

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

ANN, BOB = "reviewers/ann", "reviewers/bob"
HOUR, AT_ONCE = timedelta(hours=1), timedelta(0)
FRAUD = Finding(verdict="fraud", reason_code="customer_denies", note="did not buy this")
GENUINE = Finding(verdict="genuine", reason_code="customer_confirms")
ESCALATE = Finding(verdict="escalate", reason_code="second_opinion")
NO_TIME_S = -1.0  # whoever claimed has died by now


class Desk:
    """Analysts at a ledger, and Kafka, played. undo: how long a verdict can be undone."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.world = PostgresWorld(url)
        self.opened: list[PostgresReviews] = []
        self.reviews = self.another()
        self.sent: list[Label] = []
        self.takes = True

    def another(self, undo: timedelta = HOUR, hold: timedelta = HOUR) -> PostgresReviews:
        self.opened.append(PostgresReviews(self.url, TIMEOUT_S, "test-reviews", Times(hold=hold, undo=undo)))
        return self.opened[-1]

    def send(self, labels: Sequence[Label]) -> list[Label]:
        if not self.takes:
            raise KafkaUnavailable("Kafka does not take records now")
        self.sent += labels
        return list(labels)

    def case(self, name: str = "a", **fields: Any) -> str:
        self.world.decide_by_rest(decided(transaction_id=name, path="rest", **fields))
        return name

    def settle(self, name: str = "a", finding: Finding = FRAUD, undo: timedelta = AT_ONCE) -> CaseDocument:
        mine = self.another(undo)
        mine.take(name, ANN)
        return mine.decide(name, ANN, finding)

    def log(self) -> VerdictLog:
        return VerdictLog(self.reviews, self.send)

    def deliver(self) -> None:
        """What was sent comes to a worker, whose broker lives in another time."""
        sent = [msgspec.to_builtins(each) | {"event_time": "2024-01-01T00:00:00Z"} for each in self.sent]
        label_next(self.world.ledger, *sent)
        self.sent = []

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()

    def labels(self) -> list[tuple[Any, ...]]:
        return self.rows("SELECT transaction_id, version, label, source FROM labels ORDER BY 1, 2")

    def names(self, **ask: Any) -> list[str]:
        return [each.transaction_id for each in self.reviews.queue(QueueAsk(**ask)).cases]

    def close(self) -> None:
        for each in self.opened:
            each.close()
        self.world.close()


@pytest.fixture
def desk(ledger_url: str) -> Iterator[Desk]:
    with closing(Desk(ledger_url)) as found:
        yield found


def test_reviews_and_declines_are_cases_the_costliest_first(desk: Desk) -> None:
    for name, decision, score, amount_minor in (
        ("approved", "approve", 0.2, 10**9),
        ("small", "decline", 0.9, 1000),
        ("large", "review", 0.5, 90_000),
        ("middle", "review", 0.6, 5000),
    ):
        desk.case(name, decision=decision, score=score, amount_minor=amount_minor)
    assert desk.names() == ["large", "middle", "small"]
    first = desk.reviews.queue(QueueAsk()).cases[0]
    assert (first.expected_loss_minor, first.held_by) == (45_000.0, None)


def test_by_age_the_oldest_comes_first(desk: Desk) -> None:
    for name, day in (("b", 2), ("a", 3), ("c", 1)):
        desk.case(name, decided_at=datetime(2026, 1, day, tzinfo=UTC))
    assert desk.names(sort="age") == ["c", "b", "a"]


@pytest.mark.parametrize("sort", ["expected_loss", "age"])
@pytest.mark.parametrize("looked", [2, 100])
def test_pages_lead_through_the_whole_queue_once(desk: Desk, sort: Any, looked: int) -> None:
    """With equals among them, with settled ones between, and wherever a look ends."""
    names = [desk.case(f"tx-{number}", amount_minor=1000 * (number // 3)) for number in range(12)]
    for name in names[3:8]:
        desk.settle(name)
    found: list[str] = []
    ask, pages = QueueAsk(sort=sort, limit=2), 0
    while True:
        told = looked_at(desk, ask, looked)
        found += [each.transaction_id for each in told.cases]
        pages += 1
        if told.last is None:
            break
        ask = ask._replace(after=told.last)
    assert sorted(found) == sorted(names[:3] + names[8:])
    assert found == desk.names(sort=sort)
    assert pages <= 8


def looked_at(desk: Desk, ask: QueueAsk, most_looked: int) -> QueuePage:
    with desk.reviews._connector.use() as connection:
        return page(connection, ask, most_looked)


def test_filters_narrow_the_queue(desk: Desk) -> None:
    desk.case("a", decision="decline", amount_minor=5000)
    for name in "bcd":
        desk.case(name, amount_minor=1000)
    desk.reviews.take("b", ANN)
    desk.reviews.take("c", BOB)
    desk.reviews.decide("c", BOB, ESCALATE)
    asleep = Finding(verdict="snooze", reason_code="awaiting_bank", until=datetime.now(UTC) + HOUR)
    desk.reviews.take("d", ANN)
    desk.reviews.decide("d", ANN, asleep)
    assert sorted(desk.names()) == ["a", "b", "c"]
    assert desk.names(snoozed=True) == ["d"]
    assert desk.names(decision="decline") == ["a"]
    assert desk.names(min_amount_minor=1001) == ["a"]
    assert desk.names(held_by=ANN) == ["b"]
    assert sorted(desk.names(held_by=NOBODY)) == ["a", "c"]
    assert desk.names(escalated=True) == ["c"]
    assert sorted(desk.names(escalated=False)) == ["a", "b"]


def test_what_slept_comes_back(desk: Desk) -> None:
    desk.case()
    desk.reviews.take("a", ANN)
    until = datetime.now(UTC) + HOUR
    desk.reviews.decide("a", ANN, Finding(verdict="snooze", reason_code="awaiting_bank", until=until))
    assert desk.names() == []
    with psycopg.connect(desk.url) as connection:
        connection.execute("UPDATE reviews SET snoozed_until = now() - interval '1 s'")
    assert desk.names() == ["a"]


def test_of_many_who_take_a_case_at_once_one_has_it(desk: Desk) -> None:
    for turn in range(5):
        name = desk.case(f"tx-{turn}")
        takers = [desk.another() for _ in range(4)]
        told = together([taking(each, name, f"reviewers/{number}") for number, each in enumerate(takers)])
        (won,) = [each for each in told if isinstance(each, CaseDocument)]
        assert all(isinstance(each, CaseDocument | CaseHeld | CaseChanged) for each in told)
        assert desk.reviews.view(name).case.held_by == won.held_by
        assert len(desk.rows(f"SELECT FROM review_actions WHERE transaction_id = '{name}'")) == 1


def taking(reviews: PostgresReviews, name: str, actor: str) -> Callable[[], CaseDocument]:
    return lambda: reviews.take(name, actor)


def test_a_case_that_ran_out_is_free_and_its_former_holder_too_late(desk: Desk) -> None:
    desk.case()
    desk.another(hold=timedelta(microseconds=1)).take("a", ANN)
    with pytest.raises(CaseNotHeld):
        desk.reviews.decide("a", ANN, FRAUD)
    assert desk.reviews.take("a", BOB).held_by == BOB
    with pytest.raises(CaseHeld):
        desk.reviews.take("a", ANN)


def test_what_was_approved_or_never_decided_is_no_case(desk: Desk) -> None:
    desk.case("approved", decision="approve")
    for name in ("approved", "nothing"):
        for act in (desk.reviews.take, desk.reviews.release, desk.reviews.undo):
            with pytest.raises(NotFound):
                act(name, ANN)
        with pytest.raises(NotFound):
            desk.reviews.view(name)


def test_a_verdict_leaves_the_queue_at_once_and_becomes_one_label(desk: Desk) -> None:
    desk.case()
    settled = desk.settle()
    assert (settled.state, desk.names()) == ("fraud", [])
    assert desk.log().turn() == 1
    assert [(each.label, each.source, each.version) for each in desk.sent] == [("fraud", "analyst", 0)]
    desk.deliver()
    assert (desk.log().turn(), desk.labels()) == (0, [("a", 0, "fraud", "analyst")])
    assert desk.rows("SELECT arrived_at IS NOT NULL FROM review_labels") == [(True,)]


def test_a_label_waits_for_the_end_of_the_undo_window(desk: Desk) -> None:
    desk.case()
    desk.settle(undo=HOUR)
    assert desk.log().turn() == 0
    back = desk.reviews.undo("a", ANN)
    assert (back.state, back.held_by, desk.names()) == ("taken", ANN, ["a"])
    assert desk.rows("SELECT FROM review_labels") == []
    desk.reviews.decide("a", ANN, GENUINE)
    assert desk.reviews.view("a").case.state == "genuine"


def test_nothing_is_undone_once_somebody_has_begun_to_send_it(desk: Desk) -> None:
    """Though the window were open: clocks of two transactions may tell so."""
    desk.case()
    desk.settle(undo=HOUR)
    with psycopg.connect(desk.url) as connection:
        connection.execute("UPDATE review_labels SET due_at = now()")
    assert len(desk.reviews.claim_labels(10, AGAIN_S)) == 1
    with pytest.raises(TooLateToUndo):
        desk.reviews.undo("a", ANN)
    assert desk.reviews.view("a").case.state == "fraud"


def test_of_an_undo_and_a_claim_at_once_one_wins(desk: Desk) -> None:
    for turn in range(8):
        name = desk.case(f"tx-{turn}")
        desk.settle(name, undo=HOUR)
        with psycopg.connect(desk.url) as connection:
            connection.execute("UPDATE review_labels SET due_at = now() WHERE claimed_at IS NULL")
        undoing, claiming = desk.another(), desk.another()
        undone, claimed = together(
            [
                lambda name=name, undoing=undoing: undoing.undo(name, ANN),  # type: ignore[misc]
                lambda claiming=claiming: claiming.claim_labels(10, AGAIN_S),  # type: ignore[misc]
            ]
        )
        assert isinstance(undone, CaseDocument) == (claimed == [])
        assert desk.reviews.view(name).case.state == ("taken" if claimed == [] else "fraud")


def test_who_dies_after_a_claim_leaves_the_label_to_the_next(desk: Desk) -> None:
    desk.case()
    desk.settle()
    assert len(desk.reviews.claim_labels(10, AGAIN_S)) == 1
    assert desk.another().claim_labels(10, AGAIN_S) == []
    assert len(desk.another().claim_labels(10, NO_TIME_S)) == 1


def test_who_dies_after_sending_sends_again_and_one_label_stands(desk: Desk) -> None:
    desk.case()
    desk.settle()
    desk.send(desk.reviews.claim_labels(10, AGAIN_S))
    again = desk.another().claim_labels(10, NO_TIME_S)
    desk.reviews.labels_sent(desk.send(again))
    assert len(desk.sent) == 2
    desk.deliver()
    assert desk.labels() == [("a", 0, "fraud", "analyst")]
    assert (desk.reviews.settle_labels(), desk.reviews.settle_labels()) == ((1, 0), (0, 0))


def test_while_kafka_is_away_labels_wait(desk: Desk) -> None:
    desk.case()
    desk.settle()
    desk.takes = False
    with pytest.raises(KafkaUnavailable):
        desk.log().turn()
    desk.takes = True
    assert len(desk.reviews.claim_labels(10, NO_TIME_S)) == 1


def test_a_version_that_another_label_had_first_is_followed_by_the_next(desk: Desk) -> None:
    desk.case()
    desk.settle()
    label_next(desk.world.ledger, label("a", version=0, label="unknown"))
    desk.log().turn()
    desk.deliver()
    assert desk.labels() == [("a", 0, "unknown", "chargeback")]
    assert desk.log().turn() == 1
    desk.deliver()
    assert desk.labels()[1:] == [("a", 1, "fraud", "analyst")]
    assert (desk.log().turn(), len(desk.rows("SELECT FROM review_labels WHERE arrived_at IS NULL"))) == (0, 0)


def test_a_chargeback_that_numbers_from_one_stands_over_a_verdict(desk: Desk) -> None:
    desk.case()
    desk.settle(finding=GENUINE)
    desk.log().turn()
    desk.deliver()
    label_next(desk.world.ledger, label("a", version=1, label="fraud"))
    assert desk.rows("SELECT label FROM latest_labels") == [("fraud",)]


@pytest.mark.parametrize("said", ["fraud", "genuine"])
def test_a_label_from_elsewhere_settles_a_case(desk: Desk, said: str) -> None:
    desk.case("a")
    desk.case("b")
    desk.reviews.take("b", ANN)
    label_next(desk.world.ledger, label("a", label=said), label("b", label=said))
    assert desk.names() == []
    view = desk.reviews.view("a")
    assert (view.case.state, [each.source for each in view.labels]) == (said, ["chargeback"])
    with pytest.raises(CaseSettled):
        desk.reviews.take("a", ANN)
    with pytest.raises(CaseSettled):
        desk.reviews.decide("b", ANN, FRAUD)
    label_next(desk.world.ledger, label("a", version=2, label="unknown"))
    assert desk.names() == ["a"]
    assert desk.settle("a").state == "fraud"


def test_a_case_shows_all_that_was_done(desk: Desk) -> None:
    decide(desk.world.ledger, transaction("a", amount_minor=50_000))
    desk.reviews.take("a", ANN)
    desk.reviews.release("a", ANN)
    desk.reviews.take("a", BOB)
    desk.reviews.decide("a", BOB, FRAUD)
    view = desk.reviews.view("a")
    assert [(each.action, each.actor) for each in view.actions] == [
        ("take", ANN),
        ("release", ANN),
        ("take", BOB),
        ("decide", BOB),
    ]
    assert (view.actions[-1].reason_code, view.actions[-1].note) == (FRAUD.reason_code, FRAUD.note)
    assert (view.decision.amount_minor, view.decision.decision) == (50_000, "review")


def test_every_action_is_audited_and_no_note_is(desk: Desk) -> None:
    desk.case()
    desk.settle(undo=HOUR)
    desk.reviews.undo("a", ANN)
    desk.reviews.release("a", ANN)
    told = desk.rows(
        "SELECT actor, action, object, before, after, why, detail::text FROM audit ORDER BY audit_id"
    )
    assert [each[:6] for each in told] == [
        (ANN, "take", "case a", "open", "taken", ""),
        (ANN, "decide", "case a", "taken", "fraud", "customer_denies"),
        (ANN, "undo", "case a", "fraud", "taken", ""),
        (ANN, "release", "case a", "taken", "open", ""),
    ]
    assert not any("did not buy" in str(each) for each in told)
    with closing(PostgresAudit(desk.url, TIMEOUT_S, "test-audit")) as audit:
        assert audit.first_break() is None


def test_what_is_refused_leaves_nothing_behind(desk: Desk) -> None:
    desk.case()
    desk.reviews.take("a", ANN)
    number = Finding(verdict="fraud", reason_code="other", note="card 4111111111111111")
    with pytest.raises(CaseHeld):
        desk.reviews.take("a", BOB)
    with pytest.raises(CaseNotHeld):
        desk.reviews.decide("a", BOB, FRAUD)
    with pytest.raises(MalformedReview):
        desk.reviews.decide("a", ANN, number)
    with pytest.raises(TooLateToUndo):
        desk.reviews.undo("a", ANN)
    assert len(desk.rows("SELECT FROM audit")) == len(desk.rows("SELECT FROM review_actions")) == 1
    assert desk.rows("SELECT FROM review_labels") == []


def test_an_action_whose_audit_fails_did_not_happen(desk: Desk) -> None:
    desk.case()
    desk.reviews.take("a", ANN)
    with psycopg.connect(desk.url) as connection:
        connection.execute("LOCK TABLE audit IN EXCLUSIVE MODE")
        hasty = PostgresReviews(desk.url, 1.0, "test-reviews", Times(hold=HOUR, undo=HOUR))
        with closing(hasty), pytest.raises(LedgerUnavailable):
            hasty.decide("a", ANN, FRAUD)
    assert desk.reviews.view("a").case.state == "taken"
    assert desk.rows("SELECT FROM review_labels") == []


def test_one_verdict_on_many_has_an_outcome_for_each(desk: Desk) -> None:
    for name in "abcd":
        desk.case(name)
    desk.reviews.take("b", BOB)
    desk.reviews.take("c", ANN)
    desk.settle("d")
    told = desk.reviews.decide_all(["a", "b", "c", "d", "a", "none"], ANN, GENUINE)
    said = [each.code if isinstance(each, FraudError) else each.state for each in told]
    assert said == ["genuine", "case_held", "genuine", "case_settled", "case_settled", "not_found"]
    assert desk.names() == ["b"]
    assert desk.reviews.undo("a", ANN).state == "taken"
    wrong = Finding(verdict="genuine", reason_code="fraud_pattern")
    with pytest.raises(MalformedReview):
        desk.reviews.decide_all(["b"], BOB, wrong)


def test_the_queue_is_read_from_its_index(desk: Desk) -> None:
    """However many were approved, a page looks at none of them."""
    with psycopg.connect(desk.url) as connection:
        # As few rows as there are here may be cheaper to sort: it is asked whether they must be.
        connection.execute("SET enable_seqscan = off")
        connection.execute("SET enable_sort = off")
        query = (
            "EXPLAIN SELECT FROM decisions WHERE decision <> 'approve'"
            " AND (score * amount_minor, transaction_id) < (5.0, 'a')"
            " ORDER BY score * amount_minor DESC, transaction_id DESC LIMIT 10"
        )
        plan = "\n".join(line for (line,) in connection.execute(query))
    assert "cases_by_loss" in plan
    assert "Sort" not in plan
