"""The target of a KIP-848 group: its state as an assignor sees it, and back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from ..assignors.registry import ASSIGNORS
from ..assignors.spec import GroupSpec, MemberSpec, Partition, TopicSpec
from ..context import GroupContext
from ..topics import Topics
from .member import NOTHING, Target
from .state import ConsumerState


def preferred_assignor(state: ConsumerState, offered: tuple[str, ...]) -> str:
    """The assignor that most members ask for; the first on offer where nobody asks.

    A broker that offers fewer than it did may find members that ask for one of the others.
    """
    votes = Counter(m.assignor for m in state.members.values() if m.assignor in offered)
    return max(offered, key=lambda name: (votes[name], -offered.index(name)))


def compute_target(state: ConsumerState, context: GroupContext) -> Mapping[str, Target]:
    """What each member is to have, by member id."""
    name = preferred_assignor(state, context.config.consumer_assignors)
    assignment = ASSIGNORS[name](group_spec(state, context.topics))
    return {member_id: _target(partitions) for member_id, partitions in assignment.items()}


def group_spec(state: ConsumerState, topics: Topics) -> GroupSpec:
    """The group, without the topics that do not exist."""
    found = {n: topic for n in state.subscribed_topics() if (topic := topics.named(n)) is not None}
    members = {
        member_id: MemberSpec(
            member_id,
            frozenset(found[n].topic_id for n in state.topics_of(member) if n in found),
            frozenset(_partitions(state.targets.get(member_id, NOTHING))),
            member.instance_id,
        )
        for member_id, member in state.members.items()
    }
    specs = {t.topic_id: TopicSpec(t.name, t.partition_count) for t in found.values()}
    return GroupSpec(members, specs)


def _partitions(target: Target) -> Iterable[Partition]:
    return ((topic_id, n) for topic_id, partitions in target.items() for n in partitions)


def _target(partitions: Iterable[Partition]) -> Target:
    by_topic: dict[UUID, set[int]] = defaultdict(set)
    for topic_id, n in partitions:
        by_topic[topic_id].add(n)
    return {topic_id: frozenset(numbers) for topic_id, numbers in by_topic.items()}
