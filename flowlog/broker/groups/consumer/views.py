"""What operators are shown of a KIP-848 group: rows without behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ..rebalance_history import Rebalance
from ..topics import Topics
from .assigning import preferred_assignor
from .group import ConsumerGroup
from .member import NOTHING, Target, partitions_of


class TopicRow(NamedTuple):
    """Partitions of a topic that exists."""

    topic_id: UUID
    name: str
    partitions: Sequence[int]


class ConsumerMemberView(NamedTuple):
    member_id: str
    instance_id: str | None
    rack_id: str | None
    member_epoch: int
    client_id: str
    client_host: str
    topics: Sequence[str]
    regex: str
    is_classic: bool
    assigned: tuple[TopicRow, ...]
    target: tuple[TopicRow, ...]


class ConsumerGroupView(NamedTuple):
    """A group as it is now."""

    group_id: str
    state: str
    group_epoch: int
    target_epoch: int
    assignor: str
    members: tuple[ConsumerMemberView, ...]
    rebalances: tuple[Rebalance, ...]  # the last ones, oldest first


def describe(group: ConsumerGroup) -> ConsumerGroupView:
    state = group.state
    return ConsumerGroupView(
        group_id=group.group_id,
        state=group.state_name,
        group_epoch=state.epoch,
        target_epoch=state.target_epoch,
        assignor=preferred_assignor(state, group.context.config.consumer_assignors),
        members=tuple(_member(group, member_id) for member_id in state.members),
        rebalances=tuple(group.rebalances),
    )


def _member(group: ConsumerGroup, member_id: str) -> ConsumerMemberView:
    state, topics = group.state, group.context.topics
    member, current = state.members[member_id], state.held_by(member_id)
    return ConsumerMemberView(
        member_id,
        member.instance_id,
        member.rack_id,
        current.member_epoch,
        member.client_id,
        member.client_host,
        sorted(member.topics),
        member.regex,
        member.classic is not None,
        _rows(partitions_of(current.assigned), topics),
        _rows(state.targets.get(member_id, NOTHING), topics),
    )


def _rows(partitions: Target, topics: Topics) -> tuple[TopicRow, ...]:
    found = ((topics.with_id(topic_id), numbers) for topic_id, numbers in partitions.items())
    return tuple(
        TopicRow(topic.topic_id, topic.name, sorted(numbers))
        for topic, numbers in found
        if topic is not None
    )
