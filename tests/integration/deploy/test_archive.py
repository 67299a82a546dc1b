"""On real stores: a month of decisions leaves for a file, stays decided, and is no finding."""

from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from deploy.access import postgres_roles
from deploy.jobs.archiving import NOT_SET
from models.archived import archived
from models.transaction import decode_transaction
from streams.ledger import PostgresLedger
from streams.reconcile.range import Range
from streams.settings import Settings
from tests.builders import encoded, label
from tests.integration.deploy.archives import (
    OLD,
    Words,
    asked,
    by_rest,
    decisions,
    ids,
    in_files,
    left_ids,
    payment,
    taken,
)
from tests.integration.security.test_postgres_rights import address_of
from tests.integration.streams.traffic import WAIT_S, RealTraffic

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


def test_a_month_leaves_whole_and_the_rest_stays(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    before = decisions(aged)
    counts = asked(keeping, "SELECT sum(approve), sum(review), sum(decline) FROM decision_counts")
    told = taken(keeping, tmp_path / "archive")
    (month,) = told["archived"]
    assert (month["month"], month["rows"], month["moved"], told["moved"]) == ("2025-06", 7, 7, 7)
    assert ids(keeping) == ["new-0", "new-1", "new-2"]
    assert left_ids(keeping) == OLD == in_files(tmp_path)
    assert {name: aged.ledger.archived(name) for name in OLD} == {
        name: archived(decided) for name, decided in before.items()
    }
    assert asked(keeping, "SELECT sum(approve), sum(review), sum(decline) FROM decision_counts") == counts
    assert asked(keeping, "SELECT count(*) FROM labels") == [(1,)]
    assert asked(keeping, "SELECT actor, action, outcome, after FROM audit ORDER BY audit_id") == [
        ("tester", "archive", "begun", ""),
        ("tester", "archive", "done", "7 decisions"),
    ]


def test_without_the_setting_nothing_leaves(aged: RealTraffic, keeping: Settings, tmp_path: Path) -> None:
    words = Words()
    told = taken(keeping.model_copy(update={"keep_decisions_days": None}), tmp_path, words)
    assert (told["moved"], words.notes, len(ids(keeping))) == (0, [NOT_SET], 10)


def test_what_has_left_is_no_finding_and_late_copies_are_duplicates(
    aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    taken(keeping, tmp_path)
    aged.send(payment("old-3", day=3), payment("old-4", day=4, customer_id="c-9"), payment("new-5", day=105))
    aged.label(label("old-2"), label("old-1", version=2, label="genuine"))
    outcome = aged.reconcile(Range())
    assert outcome.first() == []
    assert outcome.proven == outcome.records
    (partition,) = [each for each in outcome.partitions if each["own"] and "transactions" in each["topic"]]
    assert (partition["archived"], partition["conflicts"]) == (9, 1)
    assert ids(keeping) == ["new-0", "new-1", "new-2", "new-5"]


@pytest.mark.parametrize("role", ["worker", "gateway"])
def test_whoever_decides_is_told_and_may_change_nothing_of_it(
    role: str, aged: RealTraffic, keeping: Settings, tmp_path: Path
) -> None:
    taken(keeping, tmp_path)
    url = address_of(keeping.database_url, f"late_{role}")
    roles = keeping.model_copy(update={f"database_url_{role}": url})
    postgres_roles.apply(roles)
    with closing(PostgresLedger(url, WAIT_S, role)) as ledger:
        left = ledger.archived("old-1")
        assert left is not None
        decided = left.about(decode_transaction(encoded(payment("old-1", day=1))))
        assert ledger.answer([by_rest(decided)]) == {"old-1": left}
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (
            "DELETE FROM archived_decisions",
            "UPDATE archived_decisions SET decision = 'approve'",
            "INSERT INTO archived_months SELECT * FROM archived_months",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
