"""The key ring: what is live opens, what has ended does not, and when nobody knows any more it stays shut."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from threading import Event, Thread
from threading import enumerate as enumerate_threads
from typing import Any

import pytest
from structlog.testing import capture_logs

from api import key_ring as key_ring_module
from api.key_ring import BOOTSTRAP, EVERY_S, KEPT_S, TIMEOUT_S, KeyRing
from models.api_key import Written, make
from models.errors import BadSetting, LedgerUnavailable, Unauthenticated
from models.scopes import SCOPES, Key
from streams.ledger.keys import LiveKey

PEPPER = b"a pepper of these tests"
API_KEY = "set by the operator"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Ledger:
    """Keys that are live, as long as it can be reached."""

    def __init__(self) -> None:
        self.keys: list[LiveKey] = []
        self.away = False
        self.asked = 0
        self.random = Random(1)

    def live(self) -> list[LiveKey]:
        self.asked += 1
        if self.away:
            raise LedgerUnavailable("Postgres failed")
        return list(self.keys)

    def add(self, *, pepper: bytes = PEPPER, expires_at: datetime | None = None) -> Written:
        written = make("live", self.random.randbytes)
        kept = written.kept(pepper)
        key = Key(key_id=kept.key_id, owner="shop", name="till", scopes=("score:write",))
        self.keys.append(LiveKey(key, kept.env, kept.digest, kept.pepper_id, expires_at))
        return written


class Time:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def ring(ledger: Ledger, time: Time) -> KeyRing:
    return KeyRing(ledger.live, PEPPER, API_KEY, clock=time, every_s=0.001)


def refused(ring: KeyRing, presented: str, now: datetime = NOW) -> bool:
    try:
        ring.verify(presented, now)
    except Unauthenticated:
        return True
    return False


def test_a_live_key_opens_and_tells_whose_it_is(ring: KeyRing, ledger: Ledger) -> None:
    written = ledger.add()
    ring.look()
    key = ring.verify(written.text, NOW)
    assert (key.key_id, key.owner, key.name) == (written.key_id, "shop", "till")
    assert (key.scopes, key.limit_per_minute) == (("score:write",), 100)


def test_a_key_opens_nothing_once_a_look_has_not_found_it(ring: KeyRing, ledger: Ledger) -> None:
    written = ledger.add()
    ring.look()
    ledger.keys.clear()
    assert not refused(ring, written.text)
    ring.look()
    assert refused(ring, written.text)


def test_a_look_that_a_revocation_misses_is_followed_within_five_seconds() -> None:
    """One look under way, the pause, the next look."""
    assert TIMEOUT_S + EVERY_S + TIMEOUT_S <= 5.0


def test_a_key_ends_at_its_time_though_nobody_looks(ring: KeyRing, ledger: Ledger) -> None:
    written = ledger.add(expires_at=NOW)
    ring.look()
    assert not refused(ring, written.text, NOW - SECOND)
    assert refused(ring, written.text, NOW)


def wrong_secret(known: Written, other: Written) -> str:
    return known._replace(secret=other.secret).text


def wrong_id(known: Written, other: Written) -> str:
    return known._replace(key_id=other.key_id).text


def wrong_env(known: Written, other: Written) -> str:
    return known._replace(env="test").text


@pytest.mark.parametrize("wrong", [wrong_secret, wrong_id, wrong_env])
def test_one_part_of_another_key_opens_nothing(
    ring: KeyRing, ledger: Ledger, wrong: Callable[[Written, Written], str]
) -> None:
    known, other = ledger.add(), make("live", Random(2).randbytes)
    ring.look()
    assert refused(ring, wrong(known, other))


def test_whatever_is_wrong_the_words_are_the_same(ring: KeyRing, ledger: Ledger) -> None:
    known, other = ledger.add(expires_at=NOW), make("live", Random(2).randbytes)
    ring.look()
    said = set()
    for presented in ("", "Bearer", other.text, wrong_secret(known, other), known.text, known.text[:-1]):
        with pytest.raises(Unauthenticated) as refusal:
            ring.verify(presented, NOW)
        said.add(str(refusal.value))
    assert len(said) == 1


def test_an_unknown_id_costs_the_same_two_digests_and_compares(
    ring: KeyRing, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, other = ledger.add(), make("live", Random(2).randbytes)
    ring.look()
    done: list[str] = []

    def counted(name: str) -> None:
        original = getattr(key_ring_module, name)

        def call(*arguments: Any) -> Any:
            done.append(name)
            return original(*arguments)

        monkeypatch.setattr(key_ring_module, name, call)

    counted("digest_of")
    counted("same_digest")
    assert refused(ring, other.text)
    unknown, done[:] = list(done), []
    assert refused(ring, wrong_secret(known, other))
    assert unknown == done
    assert sorted(done) == ["digest_of", "digest_of", "same_digest", "same_digest"]


def test_what_was_never_a_key_is_not_looked_up(ring: KeyRing, ledger: Ledger) -> None:
    """Not even where nobody could say which keys are live."""
    text = make("live", Random(2).randbytes).text
    assert refused(ring, text[:-1] + ("0" if text[-1] != "0" else "1"))
    assert ledger.asked == 0


def test_without_a_first_look_nobody_can_say(ring: KeyRing, ledger: Ledger) -> None:
    with pytest.raises(LedgerUnavailable, match="keys cannot be checked"):
        ring.verify(ledger.add().text, NOW)


def test_while_postgres_is_away_what_was_known_holds_for_five_minutes(
    ring: KeyRing, ledger: Ledger, time: Time
) -> None:
    written = ledger.add()
    ring.look()
    ledger.away = True
    for time.now_s in (EVERY_S, KEPT_S):
        ring.look_again()
        assert not refused(ring, written.text)
    time.now_s = KEPT_S + 0.1
    with pytest.raises(LedgerUnavailable):
        ring.verify(written.text, NOW)
    assert ring.stale()
    ledger.away = False
    ring.look_again()
    assert not refused(ring, written.text)


def test_a_slow_answer_is_as_old_as_its_question(ledger: Ledger, time: Time) -> None:
    def slow() -> list[LiveKey]:
        time.now_s += KEPT_S + 1
        return ledger.live()

    ring = KeyRing(slow, PEPPER, "", clock=time)
    ring.look()
    assert ring.stale()


def test_the_key_of_the_setting_opens_everything_even_without_postgres(ring: KeyRing) -> None:
    key = ring.verify(API_KEY, NOW)
    assert key == BOOTSTRAP
    for scope in SCOPES:
        key.require(scope)


@pytest.mark.parametrize("presented", ["", API_KEY[:-1], API_KEY + " ", API_KEY.upper(), "\ud800", "数"])
def test_what_is_nearly_the_key_of_the_setting_opens_nothing(ring: KeyRing, presented: str) -> None:
    assert refused(ring, presented)


def test_where_no_key_is_set_nothing_is_it(ledger: Ledger, time: Time) -> None:
    ring = KeyRing(ledger.live, PEPPER, "", clock=time)
    assert refused(ring, "")
    assert refused(ring, API_KEY)


def test_keys_of_another_pepper_open_nothing_and_are_told_once(ring: KeyRing, ledger: Ledger) -> None:
    foreign, own = ledger.add(pepper=b"another one"), ledger.add()
    with capture_logs() as logs:
        ring.look()
        ring.look()
    assert refused(ring, foreign.text)
    assert not refused(ring, own.text)
    assert [(each["event"], each["keys"]) for each in logs] == [("keys_of_another_pepper", 1)]


def test_a_failure_is_told_when_it_begins_and_not_again(ring: KeyRing, ledger: Ledger) -> None:
    with capture_logs() as logs:
        for ledger.away in (True, True, False, True):
            ring.look_again()
    assert [each["event"] for each in logs] == ["not_looked_up"] * 2


def test_a_started_ring_looks_at_once_and_goes_on_looking(time: Time) -> None:
    asked, thrice = [0], Event()

    def live() -> list[LiveKey]:
        asked[0] += 1
        if asked[0] >= 3:
            thrice.set()
        return []

    ring = KeyRing(live, PEPPER, "", clock=time, every_s=0.001)
    ring.start()
    assert asked[0] >= 1
    assert thrice.wait(10)
    ring.stop()
    assert "key-ring" not in [thread.name for thread in enumerate_threads()]


def test_whoever_verifies_meanwhile_sees_one_look_or_the_next(ring: KeyRing, ledger: Ledger) -> None:
    """A key that is in both is never missed while the ring is swapped."""
    written = ledger.add()
    ring.look()

    def look() -> None:
        for _ in range(500):
            ring.look()

    looking = Thread(target=look)
    looking.start()
    found = [refused(ring, written.text) for _ in range(500)]
    looking.join()
    assert not any(found)


def test_there_is_no_ring_without_a_pepper(tmp_path: Any) -> None:
    from streams.settings import read_settings

    (tmp_path / "home").write_text("")
    settings = read_settings(home=tmp_path / "home", key_pepper="")
    with pytest.raises(BadSetting), key_ring_module.running_key_ring(settings):
        pass
