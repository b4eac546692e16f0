"""The assignor of share groups: who shares which partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from flowlog.broker.groups.share.assigning import assign
from flowlog.broker.groups.share.member import Target

A, B, C = (UUID(int=number) for number in (1, 2, 3))
PARTITIONS = st.dictionaries(
    st.sampled_from([A, B, C]), st.integers(1, 6).map(lambda count: range(count)), max_size=3
)
SAME = st.builds(
    lambda count, topics: {f"m{i}": topics for i in range(count)},
    st.integers(0, 8),
    st.frozensets(st.sampled_from([A, B, C])),
)
ANY = st.dictionaries(
    st.integers(0, 8).map(lambda i: f"m{i}"), st.frozensets(st.sampled_from([A, B, C]))
)
BEFORE = st.dictionaries(
    st.integers(0, 8).map(lambda i: f"m{i}"),
    st.dictionaries(
        st.sampled_from([A, B, C]), st.frozensets(st.integers(0, 7), min_size=1), max_size=3
    ),
)


def sharers(target: Mapping[str, Target]) -> Counter[tuple[UUID, int]]:
    return Counter((t, p) for given in target.values() for t, ps in given.items() for p in ps)


def load(target: Target) -> int:
    return sum(len(partitions) for partitions in target.values())


@given(SAME | ANY, PARTITIONS, BEFORE)
def test_every_subscribed_partition_has_a_member_and_every_member_a_partition(
    subscriptions: dict[str, frozenset[UUID]],
    partitions: dict[UUID, range],
    before: dict[str, Target],
) -> None:
    target = assign(subscriptions, partitions, before)
    assert target.keys() == subscriptions.keys()
    wanted = {(t, p) for topics in subscriptions.values() for t in topics & partitions.keys()
              for p in partitions[t]}  # fmt: skip
    assert sharers(target).keys() == wanted
    for member_id, topics in subscriptions.items():
        given = target[member_id]
        assert given.keys() <= topics, "nobody gets what he did not subscribe to"
        assert all(given.values()), "a topic without partitions is not named"
        assert bool(given) == bool(topics & partitions.keys())


@given(SAME, PARTITIONS, BEFORE)
def test_members_alike_are_given_alike(
    subscriptions: dict[str, frozenset[UUID]],
    partitions: dict[UUID, range],
    before: dict[str, Target],
) -> None:
    target = assign(subscriptions, partitions, before)
    counts = set(sharers(target).values())
    assert len(counts) <= 1, "each partition is shared by as many"
    loads = [load(given) for given in target.values()]
    assert not loads or max(loads) - min(loads) <= 1


@given(SAME | ANY, PARTITIONS, BEFORE)
def test_assigning_again_changes_nothing(
    subscriptions: dict[str, frozenset[UUID]],
    partitions: dict[UUID, range],
    before: dict[str, Target],
) -> None:
    target = assign(subscriptions, partitions, before)
    assert assign(subscriptions, partitions, target) == target


def test_a_member_that_joins_takes_no_more_than_its_share() -> None:
    before = assign({"a": {A}, "b": {A}}, {A: range(6)}, {})
    after = assign({"a": {A}, "b": {A}, "c": {A}}, {A: range(6)}, before)
    assert {member_id: load(given) for member_id, given in after.items()} == {
        "a": 2,
        "b": 2,
        "c": 2,
    }
    assert after["a"][A] <= before["a"][A]
    assert after["b"][A] <= before["b"][A]


def test_more_members_than_partitions_share_them() -> None:
    target = assign({f"m{i}": {A} for i in range(5)}, {A: range(2)}, {})
    assert sharers(target) == {(A, 0): 3, (A, 1): 3}
    assert sorted(map(load, target.values())) == [1, 1, 1, 1, 2]
