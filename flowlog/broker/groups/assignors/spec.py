"""What an assignor is given, and the little that all of them need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias
from uuid import UUID

Partition: TypeAlias = tuple[UUID, int]
Assignment: TypeAlias = dict[str, set[Partition]]
"""Partitions by member id, with an entry for every member."""


class MemberSpec(NamedTuple):
    """A member: its subscription, and what it was to have until now."""

    member_id: str
    topics: frozenset[UUID]
    assigned: frozenset[Partition] = frozenset()
    instance_id: str | None = None

    @property
    def name(self) -> str:
        """By what it is known across restarts, as far as it is known at all."""
        return self.instance_id or self.member_id


class GroupSpec(NamedTuple):
    """A group: members by id, and the partition count of every topic that any of them consumes.

    Topics that do not exist are in neither.
    """

    members: Mapping[str, MemberSpec]
    topics: Mapping[UUID, TopicSpec]

    def partitions(self, topic_id: UUID) -> range:
        return range(self.topics[topic_id].partition_count)


class TopicSpec(NamedTuple):
    name: str
    partition_count: int


Assignor: TypeAlias = Callable[[GroupSpec], Assignment]


def subscribers(group: GroupSpec) -> dict[UUID, list[str]]:
    """The ids of the members that consume each topic, sorted."""
    found: dict[UUID, list[str]] = {topic_id: [] for topic_id in group.topics}
    for member_id in sorted(group.members):
        for topic_id in group.members[member_id].topics:
            found[topic_id].append(member_id)
    return found


def kept(group: GroupSpec) -> Assignment:
    """What each member has now and may keep: it consumes the topic, and the partition exists.

    Where two members claim a partition the first by id keeps it.
    """
    taken: set[Partition] = set()
    keeps: Assignment = {}
    for member_id in sorted(group.members):
        member = group.members[member_id]
        keeps[member_id] = mine = {
            (topic_id, n)
            for topic_id, n in member.assigned
            if topic_id in member.topics and n < group.topics[topic_id].partition_count
        } - taken
        taken |= mine
    return keeps
