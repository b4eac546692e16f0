"""Groups as hypothesis draws them, and their next states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from hypothesis import strategies as st

from flowlog.broker.groups.assignors.spec import (
    Assignment,
    GroupSpec,
    MemberSpec,
    Partition,
    TopicSpec,
)

COUNTS = st.lists(st.integers(1, 12), min_size=1, max_size=5)
NAMES = ("ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen")
CROWDS = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)


def topics_of(counts: Sequence[int]) -> dict[UUID, TopicSpec]:
    """Topics t0, t1, … with these partition counts; ids in no order."""
    return {
        UUID(int=7919 * (serial + 1) % 97): TopicSpec(f"t{serial}", count)
        for serial, count in enumerate(counts)
    }


def group_of(
    names: Sequence[str],
    topics: Mapping[UUID, TopicSpec],
    before: Mapping[str, set[Partition]] | None = None,
    *,
    life: int = 0,
) -> GroupSpec:
    """Static members of these names that consume everything and have what they had `before`.

    A member's id is its name and its `life`.
    """
    had = before or {}
    return GroupSpec(
        {
            f"{name}-{life}": MemberSpec(
                f"{name}-{life}", frozenset(topics), frozenset(had.get(f"{name}-{life}", ())), name
            )
            for name in names
        },
        topics,
    )


@st.composite
def mixed_groups(draw: st.DrawFn) -> GroupSpec:
    """Members with subscriptions of their own, and claims that may be wrong in any way."""
    topics = topics_of(draw(COUNTS))
    partitions = st.tuples(st.sampled_from(sorted(topics)), st.integers(0, 15))
    members = {
        name: MemberSpec(
            name,
            draw(st.frozensets(st.sampled_from(sorted(topics)))),
            draw(st.frozensets(partitions, max_size=8)),
            draw(st.sampled_from([None, f"{name}'s instance"])),
        )
        for name in draw(CROWDS)
    }
    consumed = frozenset().union(*(member.topics for member in members.values()))
    return GroupSpec(members, {t: topics[t] for t in topics if t in consumed})


def owners_of(assignment: Assignment) -> dict[Partition, str]:
    """Who has each partition; nobody shares one."""
    owners: dict[Partition, str] = {}
    for member_id, mine in assignment.items():
        for partition in mine:
            assert partition not in owners, f"{member_id} and {owners[partition]}: {partition}"
            owners[partition] = member_id
    return owners
