"""Whatever a view is asked, in whatever order: the double answers as Redis does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.features import ENTITIES, Entity
from streams.ports import View
from streams.topics import Partition
from tests.contracts.changes import P0, P1, Rewrites, change, history, marks
from tests.contracts.view_worlds import FakeViewWorld, RedisWorld, ViewWorld
from tests.stores import empty_view

NAMES = "abcd"
VIEWS = ("ledger-1:e1", "ledger-1:e2")
GROUPS = 2

Ask = Callable[[ViewWorld, View], Any]


@dataclass(frozen=True)
class Begun:
    """A view is begun. as_found: whether over the one that is there."""

    group: int
    name: str
    as_found: bool

    def __call__(self, world: ViewWorld, view: View) -> bool:
        found = view.read({}, [], {}).groups[self.group].view
        return view.adopt(self.group, found if self.as_found else VIEWS[0], self.name)


@dataclass(frozen=True)
class Applied:
    """A change.

    moves: how far from the watermark it begins, and how long it is. stale: it rewrites what is not there.
    """

    names: Mapping[int, str]
    moves: Mapping[Partition, tuple[int, int]]
    customer: Mapping[str, Sequence[int]]
    terminal: Mapping[str, Sequence[int]]
    rewritten: Mapping[Entity, str]
    stale: bool

    def __call__(self, world: ViewWorld, view: View) -> Any:
        group, name = next(iter(self.names.items()))
        (watermarks,) = [marks(view, P0, P1, within=name)[group]]
        begin = dict(zip((P0, P1), watermarks, strict=True))
        moves = {
            each: (begin[each] + off_by, begin[each] + off_by + length)
            for each, (off_by, length) in self.moves.items()
        }
        rewrites: Rewrites = {
            entity: {one: (self.before(view, entity, one), history(100))}
            for entity, one in self.rewritten.items()
        }
        appends = {"customer": self.customer, "terminal": self.terminal}
        return view.apply(change(moves, views=self.names, rewrites=rewrites, **appends))

    def before(self, view: View, entity: Entity, name: str) -> bytes:
        (found,) = view.read(dict.fromkeys(range(GROUPS), VIEWS[0]), [], {entity: [name]}).histories[entity]
        return history(7) if self.stale else found or b""


def lost(world: ViewWorld, view: View) -> None:
    world.lose_everything()


groups = st.integers(0, GROUPS - 1)
names = st.sampled_from([VIEWS[0], *VIEWS])
payloads = st.dictionaries(st.sampled_from(NAMES), st.lists(st.integers(0, 9), min_size=1, max_size=2))
ways = st.tuples(st.sampled_from([0, 0, 0, 0, -1, 1]), st.integers(0, 2))
changes = st.builds(
    Applied,
    st.dictionaries(groups, names, min_size=1),
    st.dictionaries(st.sampled_from([P0, P1]), ways),
    payloads,
    payloads,
    st.dictionaries(st.sampled_from(ENTITIES), st.sampled_from(NAMES)),
    st.booleans(),
)
begins = st.builds(Begun, groups, names, st.sampled_from([True, True, True, False]))
asked = st.lists(changes | changes | begins | st.just(lost), min_size=3, max_size=15)


def told(world: ViewWorld, questions: Sequence[Ask]) -> list[Any]:
    """All answers, and after each of them all that the view shows."""
    view = world.view(GROUPS)
    for group in range(GROUPS):
        view.adopt(group, None, VIEWS[0])
    return [(question(world, view), shown(view)) for question in questions]


def shown(view: View) -> list[Any]:
    wanted: dict[Entity, Sequence[str]] = {entity: NAMES for entity in ENTITIES}
    reads = [view.read(dict.fromkeys(range(GROUPS), name), [P0, P1], wanted) for name in VIEWS]
    listed = [sorted(set(view.names(dict.fromkeys(range(GROUPS), name)))) for name in VIEWS]
    return [*((list(read.groups), read.histories) for read in reads), *listed]


@pytest.mark.stack
@pytest.mark.timeout(180)
@settings(max_examples=60)
@given(questions=asked)
def test_the_double_and_redis_say_the_same(own_keyspace: str, questions: list[Ask]) -> None:
    empty_view(own_keyspace)
    real = RedisWorld(own_keyspace)
    try:
        assert told(FakeViewWorld(), questions) == told(real, questions)
    finally:
        real.close()
