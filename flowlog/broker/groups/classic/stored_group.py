"""A classic group to and from what the log keeps of it."""

from __future__ import annotations

from collections.abc import Mapping

from flowlog.broker.coordinator.decision import Now

from ..config import GroupConfig
from ..record_types import StoredGroup, StoredMember
from ..requests import Protocol
from .group import ClassicGroup
from .member import ClassicMember
from .states import GroupState


def to_stored(group: ClassicGroup, assignments: Mapping[str, bytes]) -> StoredGroup:
    """The group as it is to be written, with these assignments by member id."""
    name = group.protocol_name
    return StoredGroup(
        protocol_type=group.protocol_type or "",
        generation_id=group.generation_id,
        protocol_name=name,
        leader_id=group.leader_id,
        state_timestamp_ms=group.state_timestamp_ms,
        members=tuple(
            _to_stored_member(member, name or "", assignments.get(member.member_id, b""))
            for member in group.members
        ),
    )


def _to_stored_member(member: ClassicMember, protocol: str, assignment: bytes) -> StoredMember:
    return StoredMember(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        session_timeout_ms=member.session_timeout_ms,
        subscription=member.metadata(protocol),
        assignment=assignment,
    )


def from_stored(group_id: str, stored: StoredGroup, config: GroupConfig, now: Now) -> ClassicGroup:
    """The group as a new coordinator takes it up: every member's session starts now.

    Of a member's protocols only the selected one is known; one that rejoins with more of them
    has changed, and the group rebalances.
    """
    group = ClassicGroup(group_id, config)
    group.state = GroupState.STABLE if stored.members else GroupState.EMPTY
    group.state_timestamp_ms = stored.state_timestamp_ms
    group.generation_id = stored.generation_id
    group.protocol_type = stored.protocol_type or None
    group.protocol_name = stored.protocol_name
    group.leader_id = stored.leader_id
    for member in stored.members:
        group.members.add(_from_stored_member(member, stored.protocol_name or "", now))
    if stored.members and (group.leader_id or "") not in group.members:
        group.leader_id = stored.members[0].member_id
    group.refresh_topics()
    return group


def _from_stored_member(stored: StoredMember, protocol: str, now: Now) -> ClassicMember:
    return ClassicMember(
        member_id=stored.member_id,
        group_instance_id=stored.group_instance_id,
        client_id=stored.client_id,
        client_host=stored.client_host,
        rebalance_timeout_ms=stored.rebalance_timeout_ms,
        session_timeout_ms=stored.session_timeout_ms,
        protocols=(Protocol(protocol, stored.subscription),),
        assignment=stored.assignment,
        session_deadline_ms=now.monotonic_ms + stored.session_timeout_ms,
    )
