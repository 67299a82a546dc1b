"""Keys in Postgres: digests alone, at most two live ones of a name, every change in the audit table with
it."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest

from api.key_ring import running_key_ring
from deploy.stack.temporary import own_settings
from deploy.stack.waiting import until
from models.api_key import Kept, Written, digest_of, make, same_digest
from models.errors import LedgerUnavailable, Misuse, NotFound, Unauthenticated
from models.scopes import Key
from streams.ledger.audit import PostgresAudit
from streams.ledger.keys import AskedFor, KeyLimit, KeyRecord, PostgresKeys
from tests.contracts.ledger_worlds import TIMEOUT_S, together

pytestmark = pytest.mark.stack

PEPPER = b"a pepper of these tests"
TILL = AskedFor("shop", "till", ("score:write", "decisions:read"), 100)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
random = Random(1)


def written() -> Written:
    return make("live", random.randbytes)


def kept() -> Kept:
    return written().kept(PEPPER)


@pytest.fixture
def keys(ledger_url: str) -> Iterator[PostgresKeys]:
    with closing(PostgresKeys(ledger_url, TIMEOUT_S, "test-keys")) as found:
        yield found


def made(keys: PostgresKeys, asked: AskedFor = TILL) -> KeyRecord:
    return keys.create(kept(), asked, actor="ann", why="a new till")


def rotated(keys: PostgresKeys, key_id: str, overlap: timedelta = HOUR) -> tuple[KeyRecord, KeyRecord]:
    return keys.rotate(key_id, kept(), overlap, actor="bob", why="yearly")


def live_ids(keys: PostgresKeys) -> list[str]:
    return sorted(each.key.key_id for each in keys.live())


def let_expire(url: str, key_id: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE api_keys SET expires_at = now() WHERE key_id = %s", [key_id])


def noted(url: str) -> list[tuple[str, ...]]:
    with psycopg.connect(url) as connection:
        columns = "actor, action, object, before, after, why"
        return connection.execute(f"SELECT {columns} FROM audit ORDER BY audit_id").fetchall()


def test_a_key_that_was_made_is_live_with_what_it_is_compared_with(keys: PostgresKeys) -> None:
    key = written()
    record = keys.create(key.kept(PEPPER), TILL, actor="ann", why="")
    (live,) = keys.live()
    assert live.key == Key(
        key_id=key.key_id, owner="shop", name="till", scopes=TILL.scopes, limit_per_minute=100
    )
    assert same_digest(live.digest, digest_of(PEPPER, key.secret))
    assert (live.env, live.expires_at) == ("live", None)
    assert (record.state, record.last_four, record.expires_at) == ("live", key.last_four, None)


def test_limits_are_told_of_live_keys_alone_the_newest_first_and_no_more_than_asked_for(
    keys: PostgresKeys, ledger_url: str
) -> None:
    assert keys.limits(10) == ([], 0)
    revoked, expired, *live = (made(keys, TILL._replace(name=f"till-{number}")) for number in range(5))
    keys.revoke(revoked.key_id, actor="ann", why="")
    let_expire(ledger_url, expired.key_id)
    told = [KeyLimit(each.key_id, "shop", each.name, 100) for each in reversed(live)]
    assert keys.limits(10) == (told, 3)
    assert keys.limits(2) == (told[:2], 3)


def test_no_secret_is_kept_nor_shown_nor_noted(keys: PostgresKeys, ledger_url: str) -> None:
    key = written()
    keys.create(key.kept(PEPPER), TILL, actor="ann", why="")
    with psycopg.connect(ledger_url) as connection:
        rows = [connection.execute(f"SELECT t::text FROM {table} t").fetchall() for table in TABLES]
    digest = digest_of(PEPPER, key.secret).hex()
    assert digest in str(rows[0])
    assert digest not in str(rows[1]) + str(keys.records())
    assert key.secret not in str(rows) + str(keys.records()) + str(keys.live())


TABLES = ("api_keys", "audit")


def test_a_table_of_keys_takes_no_secret_in_place_of_a_digest(keys: PostgresKeys) -> None:
    with pytest.raises(LedgerUnavailable):
        keys.create(kept()._replace(digest=written().text.encode()), TILL, actor="ann", why="")
    assert keys.records() == []


def test_a_name_has_one_key_until_it_is_rotated(keys: PostgresKeys) -> None:
    first = made(keys)
    with pytest.raises(Misuse, match=f"shop has a live key till.*keys rotate {first.key_id}"):
        made(keys)
    made(keys, TILL._replace(name="other"))
    made(keys, TILL._replace(owner="other"))
    assert len(keys.live()) == 3


def test_a_rotated_key_lives_beside_the_new_one_for_the_overlap(keys: PostgresKeys, ledger_url: str) -> None:
    old = made(keys)
    new, ending = rotated(keys, old.key_id)
    assert live_ids(keys) == sorted([old.key_id, new.key_id])
    assert (new.owner, new.name, new.scopes, new.expires_at) == ("shop", "till", TILL.scopes, None)
    assert ending.key_id == old.key_id
    assert ending.expires_at == new.created_at + HOUR
    let_expire(ledger_url, old.key_id)
    assert live_ids(keys) == [new.key_id]


def test_a_rotated_key_never_gets_longer_to_live(keys: PostgresKeys) -> None:
    old = made(keys, TILL._replace(lifetime=HOUR))
    new, ending = rotated(keys, old.key_id, overlap=DAY)
    assert ending.expires_at == old.expires_at == old.created_at + HOUR
    assert new.expires_at == new.created_at + HOUR


def test_the_successor_of_a_rotated_key_has_its_whole_lifetime(keys: PostgresKeys) -> None:
    old = made(keys, TILL._replace(lifetime=DAY))
    first, _ = rotated(keys, old.key_id, overlap=HOUR)
    keys.revoke(first.key_id, actor="ann", why="lost")
    second, _ = rotated(keys, old.key_id, overlap=HOUR)
    assert second.expires_at == second.created_at + DAY


def test_there_is_no_third_live_key_of_a_name(keys: PostgresKeys, ledger_url: str) -> None:
    old = made(keys)
    new, _ = rotated(keys, old.key_id)
    for each, other in ((old, new), (new, old)):
        with pytest.raises(Misuse, match=f"two live keys till.*the other one is {other.key_id}"):
            rotated(keys, each.key_id)
    let_expire(ledger_url, old.key_id)
    rotated(keys, new.key_id)
    assert len(keys.live()) == 2


def test_what_does_not_live_is_not_rotated(keys: PostgresKeys, ledger_url: str) -> None:
    revoked, expired = made(keys), made(keys, TILL._replace(name="other"))
    keys.revoke(revoked.key_id, actor="ann", why="")
    let_expire(ledger_url, expired.key_id)
    for key, state in ((revoked, "revoked"), (expired, "expired")):
        with pytest.raises(Misuse, match=f"is {state}.*keys create"):
            rotated(keys, key.key_id)


def test_a_revoked_key_is_gone_at_once_and_shown_for_ever(keys: PostgresKeys) -> None:
    key = made(keys)
    gone = keys.revoke(key.key_id, actor="ann", why="lost")
    assert (gone.state, gone.revoked_at is not None) == ("revoked", True)
    assert keys.live() == []
    assert keys.records() == [gone]
    made(keys)


def test_revoking_twice_changes_nothing_and_notes_nothing(keys: PostgresKeys, ledger_url: str) -> None:
    key = made(keys)
    first = keys.revoke(key.key_id, actor="ann", why="lost")
    assert keys.revoke(key.key_id, actor="bob", why="again") == first
    assert [action for _, action, *_ in noted(ledger_url)] == ["create", "revoke"]


def test_what_was_never_made_is_not_found(keys: PostgresKeys) -> None:
    with pytest.raises(NotFound, match=r"no key nobody.*fraudml keys list"):
        keys.revoke("nobody", actor="ann", why="")
    with pytest.raises(NotFound, match="no key nobody"):
        rotated(keys, "nobody")


def test_who_made_rotated_and_revoked_which_key_is_in_the_chain(keys: PostgresKeys, ledger_url: str) -> None:
    old = made(keys)
    new, _ = rotated(keys, old.key_id)
    keys.revoke(old.key_id, actor="ann", why="lost")
    assert noted(ledger_url) == [
        ("ann", "create", f"key {old.key_id}", None, "live", "a new till"),
        ("bob", "rotate", f"key {new.key_id}", f"key {old.key_id}", "live", "yearly"),
        ("ann", "revoke", f"key {old.key_id}", "live", "revoked", "lost"),
    ]
    with closing(PostgresAudit(ledger_url, TIMEOUT_S, "test-keys")) as audit:
        assert audit.first_break() is None


def test_what_cannot_be_noted_is_not_done(keys: PostgresKeys, ledger_url: str) -> None:
    """A key and its note are one transaction."""
    with psycopg.connect(ledger_url) as connection:
        connection.execute("ALTER TABLE audit ADD CONSTRAINT no_more CHECK (audit_id < 2)")
    try:
        key = made(keys)
        for change in (lambda: rotated(keys, key.key_id), lambda: keys.revoke(key.key_id, actor="", why="")):
            with pytest.raises(LedgerUnavailable):
                change()
        assert keys.records() == [key]
    finally:
        with psycopg.connect(ledger_url) as connection:
            connection.execute("ALTER TABLE audit DROP CONSTRAINT no_more")


def test_of_many_who_rotate_at_once_one_does(keys: PostgresKeys, ledger_url: str) -> None:
    old, spare = made(keys), [kept() for _ in range(4)]

    def rotate() -> KeyRecord:
        with closing(PostgresKeys(ledger_url, TIMEOUT_S, "test-keys")) as mine:
            return mine.rotate(old.key_id, spare.pop(), HOUR, actor="bob", why="")[0]

    answers = together([rotate] * 4)
    assert sorted(type(answer).__name__ for answer in answers) == ["KeyRecord", *["Misuse"] * 3]
    assert len(keys.live()) == 2


def test_a_running_ring_opens_to_a_new_key_and_shuts_to_a_revoked_one_within_five_seconds(
    keys: PostgresKeys, ledger_url: str, tmp_path: Path
) -> None:
    key = written()
    settings = own_settings(tmp_path, database_url=ledger_url, key_pepper=PEPPER.decode())
    with running_key_ring(settings) as ring:

        def opens() -> bool:
            try:
                return ring.verify(key.text, datetime.now(UTC)).owner == "shop"
            except Unauthenticated:
                return False

        assert not opens()
        keys.create(key.kept(PEPPER), TILL, actor="ann", why="")
        until(opens, within_s=5.0, every_s=0.05)
        keys.revoke(key.key_id, actor="ann", why="lost")
        until(lambda: not opens(), within_s=5.0, every_s=0.05)


def test_a_ledger_out_of_reach_is_named() -> None:
    away = PostgresKeys("postgresql://127.0.0.1:1/none", 1.0, "test")
    with closing(away), pytest.raises(LedgerUnavailable):
        away.live()
