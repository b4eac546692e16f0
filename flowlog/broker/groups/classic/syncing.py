"""SyncGroup, decided: the leader brings the assignment, the others wait for their part of it.

Nobody is answered before the assignment is committed: a new coordinator then knows it too.
Source: `classicGroupSyncToClassicGroup`, `GroupMetadataManager` in apache/kafka.
"""

from __future__ import annotations

from typing import TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now, Reply

from ..record_types import GroupRecord
from ..requests import Sync, SyncResult
from .group import ClassicGroup
from .member import ClassicMember
from .rebalancing import answer_sync, assign, fail_assignment, prepare_or_complete
from .states import GroupState
from .stored_group import to_stored

SyncDecision: TypeAlias = Decision[SyncResult, GroupRecord]


def sync(group: ClassicGroup, request: Sync, now: Now) -> SyncDecision:
    """Decide a SyncGroup."""
    error = _error(group, request)
    if error is not ErrorCode.none:
        return Decision(SyncResult(error))
    member = group.members[request.member_id]
    _mark_synced(group, member)
    if group.state is GroupState.STABLE:
        name, kind = group.protocol_name, group.protocol_type
        return Decision(SyncResult(ErrorCode.none, kind, name, member.assignment))
    assert group.state is GroupState.COMPLETING_REBALANCE, f"{group.group_id}: {group.state}"
    return _await_assignment(group, request, member, now)


def _error(group: ClassicGroup, request: Sync) -> ErrorCode:
    error = group.membership_error(request.member_id, request.group_instance_id)
    if error is not ErrorCode.none:
        return error
    if request.generation_id != group.generation_id:
        return ErrorCode.illegal_generation
    if request.protocol_type not in (None, group.protocol_type):
        return ErrorCode.inconsistent_group_protocol
    if group.protocol_name is not None and request.protocol_name not in (None, group.protocol_name):
        return ErrorCode.inconsistent_group_protocol
    if group.state is GroupState.PREPARING_REBALANCE:
        return ErrorCode.rebalance_in_progress
    return ErrorCode.none


def _mark_synced(group: ClassicGroup, member: ClassicMember) -> None:
    group.pending_sync.discard(member.member_id)
    if not group.pending_sync:
        group.sync_deadline_ms = None


def _await_assignment(
    group: ClassicGroup, request: Sync, member: ClassicMember, now: Now
) -> SyncDecision:
    # A sync of the same member that is still parked is superseded, as with joins.
    answer_sync(group, member, SyncResult(ErrorCode.rebalance_in_progress), now)
    reply: Reply[SyncResult] = Reply()
    member.sync_reply = reply
    if not group.is_leader(member.member_id):
        return Decision(reply)
    generation_id, assignments = group.generation_id, request.assignments

    def on_written(error: ErrorCode, now: Now) -> None:
        still_awaited = group.state is GroupState.COMPLETING_REBALANCE
        if not still_awaited or group.generation_id != generation_id:
            return  # a rebalance began meanwhile and has answered everyone
        if error is ErrorCode.none:
            assign(group, assignments, now)
        else:
            fail_assignment(group, error, now)
            reason = f"the assignment of {member.member_id} could not be stored: {error.name}"
            prepare_or_complete(group, reason, now)

    record = GroupRecord(group.group_id, to_stored(group, assignments))
    return Decision(reply, (record,), on_written)
