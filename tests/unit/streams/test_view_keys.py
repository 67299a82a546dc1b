"""Names of keys: in one place of a cluster for one state group, and never the same for two things."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.crc import key_slot

from models.features import ENTITIES, Entity
from streams.topics import Partition
from streams.view.keys import group_of, prefix, short_key, view_key, watermark_keys

entities = st.sampled_from(ENTITIES)
names = st.text(min_size=1, max_size=8) | st.sampled_from(["{", "}", "{x}", ":", "c:1", "w:topic:0"])


@pytest.mark.parametrize(
    ("entity", "name", "group"),
    [("customer", "c-1", 1), ("customer", "c-2", 3), ("terminal", "c-1", 3), ("terminal", "t-1", 2)],
)
def test_an_entity_lies_in_the_same_group_in_every_process_and_version(
    entity: Entity, name: str, group: int
) -> None:
    """Another answer in another version would lose every history that is stored."""
    assert group_of(entity, name, 4) == group


@given(entities, names, st.integers(1, 64))
def test_every_entity_has_a_group(entity: Entity, name: str, groups: int) -> None:
    assert 0 <= group_of(entity, name, groups) < groups


def test_entities_are_spread_evenly() -> None:
    counts = Counter(group_of("customer", f"c-{n}", 8) for n in range(8000))
    assert min(counts.values()) > 900
    assert max(counts.values()) < 1100


@given(entities, names, st.integers(0, 7))
def test_all_keys_of_a_group_lie_in_one_slot_of_a_cluster(entity: Entity, name: str, group: int) -> None:
    start = prefix(group, 8, "ledger-1:epoch")
    keys = [
        view_key(group, 8),
        start + short_key(entity, name),
        *watermark_keys(start, [Partition("topic-id", 0), Partition("{x}", 7)]),
    ]
    assert len({key_slot(key.encode()) for key in keys}) == 1


@given(st.lists(st.tuples(entities, names), unique=True), st.lists(st.integers(0, 99), unique=True))
def test_no_two_things_share_a_key(found: list[tuple[Entity, str]], numbers: list[int]) -> None:
    start = prefix(0, 1, "ledger-1:epoch")
    partitions = [Partition(topic_id, number) for topic_id in ("a", "b") for number in numbers]
    keys = [start + short_key(*each) for each in found] + watermark_keys(start, partitions)
    assert len({*keys, view_key(0, 1)}) == len(keys) + 1


def test_a_view_begun_anew_shares_no_key_with_the_one_before() -> None:
    before, after = prefix(0, 1, "ledger-1:e1"), prefix(0, 1, "ledger-1:e2")
    assert not before.startswith(after)
    assert not after.startswith(before)


def test_another_number_of_groups_is_another_view() -> None:
    """Else a history would be looked for in a group that does not hold it."""
    assert view_key(0, 1) != view_key(0, 2)
    assert prefix(0, 1, "ledger-1:e1") != prefix(0, 2, "ledger-1:e1")
