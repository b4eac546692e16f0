"""What operators are shown of a share group: rows without behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..consumer.views import TopicRow
from ..rebalance_history import Rebalance
from ..topics import Topics
from .assigning import SIMPLE
from .group import ShareGroup
from .member import Target


class ShareMemberView(NamedTuple):
    member_id: str
    rack_id: str | None
    member_epoch: int
    client_id: str
    client_host: str
    topics: Sequence[str]
    assigned: tuple[TopicRow, ...]


class ShareGroupView(NamedTuple):
    """A group as it is now."""

    group_id: str
    state: str
    group_epoch: int
    target_epoch: int
    assignor: str
    members: tuple[ShareMemberView, ...]
    rebalances: tuple[Rebalance, ...]  # the last ones, oldest first


def describe(group: ShareGroup) -> ShareGroupView:
    state = group.state
    return ShareGroupView(
        group_id=group.group_id,
        state=group.state_name,
        group_epoch=state.epoch,
        target_epoch=state.target_epoch,
        assignor=SIMPLE,
        members=tuple(_member(group, member_id) for member_id in state.members),
        rebalances=tuple(group.rebalances),
    )


def _member(group: ShareGroup, member_id: str) -> ShareMemberView:
    member, current = group.state.members[member_id], group.state.held_by(member_id)
    return ShareMemberView(
        member_id,
        member.rack_id,
        current.member_epoch,
        member.client_id,
        member.client_host,
        sorted(member.topics),
        _rows(current.assigned, group.context.topics),
    )


def _rows(partitions: Target, topics: Topics) -> tuple[TopicRow, ...]:
    found = ((topics.with_id(topic_id), numbers) for topic_id, numbers in partitions.items())
    return tuple(
        TopicRow(topic.topic_id, topic.name, sorted(numbers))
        for topic, numbers in found
        if topic is not None
    )
