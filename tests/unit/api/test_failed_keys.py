"""Who fails to authenticate again and again is turned away by address; whoever shares it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.failed_keys import WINDOW_S, FailedKeys, address_of
from tests.unit.api.guarded import Caller, key_of

KEY = key_of(["decisions:read"])
MOST = 3
PATH = "/v1/nothing"


@pytest.fixture
def caller() -> Caller:
    return Caller({"good": KEY, "other": KEY}, failures=MOST)


def status(caller: Caller, key: str | None, address: str = "192.0.2.1") -> int:
    return caller.ask("GET", "/v1/audit", key, address).status_code


def test_after_so_many_failures_a_key_is_not_looked_at(caller: Caller) -> None:
    assert [status(caller, "bad") for _ in range(MOST)] == [401] * MOST
    caller.verified.clear()
    refused = caller.ask("GET", "/v1/audit", "other", "192.0.2.1")
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_failures")
    assert refused.headers["retry-after"] == "60"
    assert caller.verified == []


def test_other_addresses_are_not_turned_away(caller: Caller) -> None:
    for _ in range(MOST):
        status(caller, "bad")
    assert status(caller, "good", "192.0.2.2") == 403


def test_a_key_that_has_opened_something_there_goes_on_opening(caller: Caller) -> None:
    assert status(caller, "good") == 403
    for _ in range(MOST):
        status(caller, "bad")
    assert (status(caller, "good"), status(caller, "bad"), status(caller, "other")) == (403, 429, 429)


def test_a_known_key_that_ends_is_turned_away_as_any_other(caller: Caller) -> None:
    assert status(caller, "good") == 403
    for _ in range(MOST):
        status(caller, "bad")
    del caller._keys["good"]
    assert [status(caller, "good") for _ in range(3)] == [401, 429, 429]


def test_a_minute_after_the_first_failures_it_may_try_again(caller: Caller) -> None:
    for caller.now_s in (0.0, 10.0, 20.0):
        status(caller, "bad")
    caller.now_s = 59.5
    assert caller.ask("GET", "/v1/audit", "good", "192.0.2.1").headers["retry-after"] == "1"
    caller.now_s = 60.0
    assert status(caller, "good") == 403


def test_a_request_without_a_key_tries_none(caller: Caller) -> None:
    assert [status(caller, None) for _ in range(10)] == [401] * 10
    assert status(caller, "good") == 403


def test_a_burst_is_told_with_its_counts_and_single_failures_are_not(caller: Caller) -> None:
    for _ in range(MOST - 1):
        status(caller, "bad")
    assert caller.told == []
    for _ in range(3):
        status(caller, "bad")
    assert caller.told == [("192.0.2.1", MOST, 0), ("192.0.2.1", 0, 1), ("192.0.2.1", 0, 1)]


def test_every_request_that_did_not_authenticate_is_counted_by_its_reason(caller: Caller) -> None:
    for key in (None, *["bad"] * 5):
        status(caller, key)
    lines = caller.metrics.page().decode().splitlines()
    found = [line for line in lines if line.startswith("fraud_authentication_failures_total{")]
    assert sorted(found) == [
        'fraud_authentication_failures_total{reason="no_key"} 1.0',
        'fraud_authentication_failures_total{reason="turned_away"} 2.0',
        'fraud_authentication_failures_total{reason="wrong_key"} 3.0',
    ]


class Counting:
    """As it must be: every failure of every address is remembered."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.failures: dict[str, list[float]] = {}
        self.told = 0

    def is_full(self, address: str) -> bool:
        recent = [then for then in self.failures.get(address, []) if then > self.now_s - WINDOW_S]
        return len(recent) >= MOST


STEPS = st.lists(st.tuples(st.sampled_from("ab"), st.floats(0, 40)), max_size=60)


@given(STEPS)
def test_no_address_fails_more_often_in_any_minute_and_none_waits_for_nothing(
    steps: list[tuple[str, float]],
) -> None:
    exact, told = Counting(), [0]

    def tell(address: str, failures: int, turned_away: int) -> None:
        told[0] += turned_away

    keys = FailedKeys(MOST, lambda: exact.now_s, tell, b"salt")
    turned_away = 0
    for address, after_s in steps:
        exact.now_s += after_s
        wait_s = keys.wait_s(address, "bad")
        assert (wait_s is not None) == exact.is_full(address)
        if wait_s is None:
            keys.failed(address, "bad")
            exact.failures.setdefault(address, []).append(exact.now_s)
        else:
            turned_away += 1
            assert 1 <= wait_s <= WINDOW_S
    assert told[0] == turned_away


def test_what_is_remembered_is_bounded() -> None:
    keys = FailedKeys(1, lambda: 0.0, lambda *told: None, b"salt", most_addresses=2, most_known=2)
    for address in ("a", "b", "c"):
        keys.failed(address, "bad")
        keys.opened(address, "good")
    assert [keys.wait_s(address, "bad") for address in ("a", "b", "c")] == [None, 60, 60]
    assert [keys.wait_s(address, "good") for address in ("b", "c")] == [None, None]
    assert (len(keys._failures), len(keys._known)) == (2, 2)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        (None, "unknown"),
        ("not:an:address", "not:an:address"),
        ("x" * 1000, "x" * 45),
    ],
)
def test_by_ipv6_a_whole_network_counts_as_one(host: str | None, address: str) -> None:
    assert address_of(host) == address
