"""A call that takes too long keeps its caller waiting no longer, and ends all the same."""

import asyncio
from threading import Event

import pytest

from api.bulkhead import Bulkhead
from models.errors import NoTimeLeft


def test_what_is_called_is_told() -> None:
    bulkhead = Bulkhead("lookup", within_s=5)
    assert asyncio.run(bulkhead.run(divmod, 7, 2)) == (3, 1)
    bulkhead.close()


def test_whoever_has_waited_long_enough_is_told_so() -> None:
    bulkhead, may_end = Bulkhead("lookup", within_s=0.01), Event()
    with pytest.raises(NoTimeLeft, match=r"0\.01 s"):
        asyncio.run(bulkhead.run(may_end.wait))
    may_end.set()
    bulkhead.close()


def test_a_call_that_had_no_turn_in_time_is_not_made() -> None:
    bulkhead, may_end, made = Bulkhead("lookup", within_s=0.01), Event(), Event()

    async def both() -> list[object]:
        calls = bulkhead.run(may_end.wait), bulkhead.run(made.set)
        return list(await asyncio.gather(*calls, return_exceptions=True))

    outcomes = asyncio.run(both())
    may_end.set()
    bulkhead.close()
    assert [type(each) for each in outcomes] == [NoTimeLeft, NoTimeLeft]
    assert not made.is_set()
