"""JoinGroup, decided: who is let in, who has to wait, who is told the generation as it is.

Source: `classicGroupJoinToClassicGroup` and what it calls, `GroupMetadataManager` in apache/kafka.
KIP-394 (a member id before joining), KIP-345 (static members), KIP-814 (skipping the assignment).
"""

from __future__ import annotations

from typing import TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now, Reply

from ..record_types import GroupsRecord
from ..requests import UNKNOWN_MEMBER_ID, Join, JoinResult
from .group import ClassicGroup
from .member import ClassicMember
from .parking import display_name, park
from .rebalancing import current_generation, maybe_complete_join, prepare_or_complete, remove
from .states import GroupState
from .static_replacement import replace_static_member

JoinDecision: TypeAlias = Decision[JoinResult, GroupsRecord]


def join(group: ClassicGroup, request: Join, now: Now) -> JoinDecision:
    """Decide a JoinGroup for a group that exists or was created for it."""
    if not _has_room_for(group, request.member_id):
        return _turn_away(group, request, now)
    if not group.supports(request.protocol_type, request.protocols):
        return refuse(request, ErrorCode.inconsistent_group_protocol)
    if request.member_id == UNKNOWN_MEMBER_ID:
        return _join_new(group, request, now)
    if request.member_id in group.members.pending:
        if request.group_instance_id is not None:  # such ids are only given to dynamic members
            return Decision(JoinResult(ErrorCode.unknown_server_error, UNKNOWN_MEMBER_ID))
        return _add(group, request, request.member_id, now)
    error = group.membership_error(request.member_id, request.group_instance_id)
    if error is not ErrorCode.none:
        return refuse(request, error)
    return _rejoin(group, request, group.members[request.member_id], now)


def refuse(request: Join, error: ErrorCode) -> JoinDecision:
    return Decision(JoinResult(error, request.member_id))


def _has_room_for(group: ClassicGroup, member_id: str) -> bool:
    """Whether group.max.size lets this member in.

    While members are joining, those who have joined are counted and not those who are known: the
    setting may have been lowered, and the last to rejoin are then the ones to go.
    """
    member = group.members.get(member_id)
    if group.state is GroupState.EMPTY:
        return True
    if group.state is GroupState.PREPARING_REBALANCE:
        is_waiting = member is not None and member.join_reply is not None
        return is_waiting or group.members.awaiting_join_count < group.config.max_size
    return member is not None or len(group.members) < group.config.max_size


def _turn_away(group: ClassicGroup, request: Join, now: Now) -> JoinDecision:
    group.members.pending.pop(request.member_id, None)
    member = group.members.get(request.member_id)
    if member is not None:
        remove(group, member)
    refused = JoinResult(ErrorCode.group_max_size_reached, UNKNOWN_MEMBER_ID)
    return Decision(refused, maybe_complete_join(group, now))


def _join_new(group: ClassicGroup, request: Join, now: Now) -> JoinDecision:
    if request.group_instance_id is not None:
        present = group.members.id_of_instance(request.group_instance_id)
        if present is not None:
            return replace_static_member(group, request, group.members[present], now)
    elif request.needs_member_id_first:
        deadline_ms = now.monotonic_ms + request.session_timeout_ms
        group.members.pending[request.new_member_id] = deadline_ms
        return Decision(JoinResult(ErrorCode.member_id_required, request.new_member_id))
    return _add(group, request, request.new_member_id, now)


def _add(group: ClassicGroup, request: Join, member_id: str, now: Now) -> JoinDecision:
    """Let a new member in and park it until the generation that it will be part of."""
    reply: Reply[JoinResult] = Reply()
    member = ClassicMember(
        member_id=member_id,
        group_instance_id=request.group_instance_id,
        client_id=request.client_id,
        client_host=request.client_host,
        rebalance_timeout_ms=request.rebalance_timeout_ms,
        session_timeout_ms=request.session_timeout_ms,
        protocols=request.protocols,
        is_new=True,
        join_reply=reply,
        session_deadline_ms=now.monotonic_ms + group.config.new_member_join_timeout_ms,
    )
    if not len(group.members):
        group.protocol_type = request.protocol_type
    group.members.add(member)
    group.leader_id = group.leader_id or member_id
    group.newcomers = True
    reason = f"adding new member {display_name(member)}; client reason: {request.reason}"
    return Decision(reply, prepare_or_complete(group, reason, now))


def _rejoin(group: ClassicGroup, request: Join, member: ClassicMember, now: Now) -> JoinDecision:
    """A known member: part of a rebalance, a reason for one, or a retry after a lost answer."""
    state = group.state
    changed = member.protocols != request.protocols
    if state is GroupState.EMPTY:
        return refuse(request, ErrorCode.unknown_member_id)
    if state is GroupState.PREPARING_REBALANCE:
        reason = f"member {display_name(member)} joins during {state.value}"
    elif changed:
        reason = f"member {display_name(member)} changed its metadata during {state.value}"
    elif state is GroupState.STABLE and group.is_leader(member.member_id):
        # The leader may have seen new topics or partitions, which no metadata shows.
        reason = f"leader {display_name(member)} rejoins during {state.value}"
    else:
        return Decision(current_generation(group, member))
    reply = park(group, request, member)
    reason = f"{reason}; client reason: {request.reason}"
    return Decision(reply, prepare_or_complete(group, reason, now))
