from collections.abc import Callable

import pytest

from deploy.stack.errors import StackError
from deploy.stack.ports import HIGHEST, LOWEST, assign


def drawing(*numbers: int) -> Callable[[int, int], int]:
    drawn = iter(numbers)
    return lambda low, high: next(drawn)


def test_a_remembered_port_is_kept_while_it_is_free() -> None:
    ports, moved = assign(["kafka"], {"kafka": 20_000}, given={}, free=lambda port: True)
    assert (ports, moved) == ({"kafka": 20_000}, ())


def test_a_port_that_was_taken_meanwhile_is_chosen_again_and_said() -> None:
    ports, moved = assign(
        ["kafka"], {"kafka": 20_000}, given={}, free=lambda port: port != 20_000, draw=drawing(20_001)
    )
    assert (ports, moved) == ({"kafka": 20_001}, ("kafka",))


def test_two_parts_never_get_the_same_port() -> None:
    ports, _ = assign(["kafka", "valkey"], {}, given={}, free=lambda port: True, draw=drawing(7, 7, 8))
    assert ports == {"kafka": 7, "valkey": 8}


def test_the_port_of_a_part_that_is_not_asked_for_is_not_given_away() -> None:
    ports, _ = assign(["valkey"], {"kafka": 7}, given={}, free=lambda port: True, draw=drawing(7, 8))
    assert ports == {"kafka": 7, "valkey": 8}


def test_a_port_set_by_the_user_wins_over_the_remembered_one() -> None:
    ports, moved = assign(["worker-0"], {"worker-0": 7}, given={"worker-0": 9}, free=lambda port: True)
    assert (ports, moved) == ({"worker-0": 9}, ())


def test_a_port_set_by_the_user_that_is_taken_is_one_clear_error() -> None:
    with pytest.raises(StackError, match=r"port 9, set for worker-0, is taken on 127\.0\.0\.1"):
        assign(["worker-0"], {}, given={"worker-0": 9}, free=lambda port: False)


def test_a_preferred_port_is_taken_where_it_is_free_and_none_is_remembered() -> None:
    preferred = {"gateway": 8000}
    free, _ = assign(["gateway"], {}, given={}, preferred=preferred, free=lambda port: True)
    assert free == preferred
    taken, moved = assign(
        ["gateway"], {}, given={}, preferred=preferred, free=lambda port: port != 8000, draw=drawing(7)
    )
    assert (taken, moved) == ({"gateway": 7}, ())
    kept, _ = assign(["gateway"], {"gateway": 7}, given={}, preferred=preferred, free=lambda port: True)
    assert kept == {"gateway": 7}


def test_a_preferred_port_that_another_part_has_is_not_taken() -> None:
    ports, _ = assign(
        ["gateway"], {"kafka": 8}, given={}, preferred={"gateway": 8}, free=lambda port: True, draw=drawing(9)
    )
    assert ports == {"kafka": 8, "gateway": 9}


def test_a_machine_without_a_free_port_is_one_clear_error() -> None:
    with pytest.raises(StackError, match="no free port found"):
        assign(["kafka"], {}, given={}, free=lambda port: False)


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    assert 1024 < LOWEST < HIGHEST < 32_768
