"""What operators are shown of a group: rows without behaviour."""

from __future__ import annotations

from typing import NamedTuple

from .classic.group import ClassicGroup
from .classic.states import GroupState
from .rebalance_history import Rebalance


class MemberView(NamedTuple):
    """A member; its metadata is shown while the group is stable."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    metadata: bytes
    assignment: bytes


class GroupView(NamedTuple):
    """A group as it is now."""

    group_id: str
    state: GroupState
    protocol_type: str
    protocol_name: str
    generation_id: int
    members: tuple[MemberView, ...]
    rebalances: tuple[Rebalance, ...]  # the last ones, oldest first


def describe(group: ClassicGroup) -> GroupView:
    is_stable = group.state is GroupState.STABLE
    protocol = group.protocol_name or ""
    return GroupView(
        group_id=group.group_id,
        state=group.state,
        protocol_type=group.protocol_type or "",
        protocol_name=protocol if is_stable else "",
        generation_id=group.generation_id,
        members=tuple(
            MemberView(
                member.member_id,
                member.group_instance_id,
                member.client_id,
                member.client_host,
                member.metadata(protocol) if is_stable else b"",
                member.assignment,
            )
            for member in group.members
        ),
        rebalances=tuple(group.rebalances),
    )
