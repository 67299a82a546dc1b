"""A key that is turned while everybody goes on: accepted at once, signed with when all have seen it."""

from dataclasses import dataclass, field

import pytest

from models.shared_key import EVERY_S, SETTLED_AFTER_S, SharedKey, fixed

OLD, NEW = b"the key of before", b"the key from here on"


@dataclass
class Files:
    """What is held where the key is read, and the clock."""

    held: tuple[bytes, ...] = (OLD,)
    now_s: float = 0.0
    broken: bool = False
    failures: list[Exception] = field(default_factory=list)

    def read(self) -> tuple[bytes, ...]:
        if self.broken:
            raise OSError("it cannot be read")
        return self.held

    def key(self) -> SharedKey:
        return SharedKey(self.read, lambda: self.now_s, self.failures.append)


@pytest.fixture
def files() -> Files:
    return Files()


def test_a_key_that_is_given_never_turns() -> None:
    key = fixed(OLD)
    assert (key.signing(), key.accepted()) == (OLD, (OLD,))
    assert fixed(key) is key


def test_a_new_key_is_accepted_before_anybody_signs_with_it(files: Files) -> None:
    key = files.key()
    files.held, files.now_s = (NEW, OLD), EVERY_S
    assert key.accepted() == (OLD, NEW)
    assert key.signing() == OLD
    files.now_s += SETTLED_AFTER_S
    assert key.signing() == NEW
    assert key.accepted() == (NEW, OLD)


def test_what_one_has_signed_the_other_accepts_whenever_each_has_looked(files: Files) -> None:
    """Two processes that look at different moments, for as long as the old key is kept."""
    one, other = files.key(), files.key()
    for step in range(120):
        files.now_s = step / 10
        if step == 33:
            files.held = (NEW, OLD)
        if step % 7 == 0:
            other.signing()
        assert one.signing() in other.accepted()
        assert other.signing() in one.accepted()
    assert one.signing() == other.signing() == NEW


def test_the_key_of_before_holds_until_it_is_taken_away(files: Files) -> None:
    files.held = (NEW, OLD)
    key = files.key()
    assert OLD in key.accepted()
    files.held, files.now_s = (NEW,), EVERY_S
    assert key.accepted() == (NEW,)


def test_it_is_not_read_for_every_question(files: Files) -> None:
    key = files.key()
    files.held, files.now_s = (NEW,), EVERY_S / 2
    assert key.accepted() == (OLD,)


def test_what_cannot_be_read_again_holds_and_is_told(files: Files) -> None:
    key = files.key()
    files.broken, files.now_s = True, EVERY_S
    assert (key.signing(), key.accepted()) == (OLD, (OLD,))
    assert [str(error) for error in files.failures] == ["it cannot be read"]
