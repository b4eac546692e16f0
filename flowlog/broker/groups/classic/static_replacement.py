"""A static member that comes back without its member id, after a restart (KIP-345).

It gets a new member id and keeps its place. Whoever still uses the old id is fenced. A stable
group is not disturbed, unless the restarted member changed which protocol the group would elect.
Source: `updateStaticMemberThenRebalanceOrCompleteJoin`, `GroupMetadataManager` in apache/kafka.
"""

from __future__ import annotations

from typing import TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now, Reply

from ..record_types import GroupRecord, GroupsRecord
from ..requests import UNKNOWN_MEMBER_ID, Join, JoinResult, Protocol, SyncResult
from .group import ClassicGroup
from .member import ClassicMember
from .parking import display_name, park
from .rebalancing import answer_sync, current_generation, maybe_complete_join, prepare_or_complete
from .states import GroupState
from .stored_group import to_stored

JoinDecision: TypeAlias = Decision[JoinResult, GroupsRecord]


def replace_static_member(
    group: ClassicGroup, request: Join, member: ClassicMember, now: Now
) -> JoinDecision:
    """Decide the join of a static member whose instance id is known under another member id."""
    before = _Before(member, group.leader_id)
    _rename(group, member, request.new_member_id, now)
    reply = park(group, request, member)
    reason = f"static member {display_name(member)} replaced {before.member_id}"
    if group.state is GroupState.PREPARING_REBALANCE:
        return Decision(reply, maybe_complete_join(group, now))
    if group.state is GroupState.STABLE:
        if group.members.elect_protocol() == group.protocol_name:
            return _keep_stable(group, request, member, reply, before)
        reason += " and changes the protocol"
    reason = f"{reason}; client reason: {request.reason}"
    return Decision(reply, prepare_or_complete(group, reason, now))


class _Before:
    """What a member was, in case its replacement cannot be written."""

    __slots__ = (
        "leader_id",
        "member_id",
        "protocols",
        "rebalance_timeout_ms",
        "session_timeout_ms",
    )

    def __init__(self, member: ClassicMember, leader_id: str | None) -> None:
        self.member_id = member.member_id
        self.protocols: tuple[Protocol, ...] = member.protocols
        self.rebalance_timeout_ms = member.rebalance_timeout_ms
        self.session_timeout_ms = member.session_timeout_ms
        self.leader_id = leader_id


def _rename(group: ClassicGroup, member: ClassicMember, new_id: str, now: Now) -> None:
    fenced = ErrorCode.fenced_instance_id
    old_id = member.member_id
    group.members.answer_join(member, JoinResult(fenced, old_id))
    answer_sync(group, member, SyncResult(fenced), now)
    _give_id(group, member, new_id)
    member.is_new = False
    group.extend_session(member, now.monotonic_ms)


def _give_id(group: ClassicGroup, member: ClassicMember, new_id: str) -> None:
    old_id = member.member_id
    group.members.rename(member, new_id)
    if old_id in group.pending_sync:
        group.pending_sync.remove(old_id)
        group.pending_sync.add(new_id)
    if group.is_leader(old_id):
        group.leader_id = new_id


def _keep_stable(
    group: ClassicGroup,
    request: Join,
    member: ClassicMember,
    reply: Reply[JoinResult],
    before: _Before,
) -> JoinDecision:
    """Write the group with the new id; then the member hears of the generation as it is."""
    generation_id = group.generation_id

    def on_written(error: ErrorCode, now: Now) -> None:
        if member.join_reply is not reply or group.generation_id != generation_id:
            return  # superseded, removed, or answered by a later generation
        if error is not ErrorCode.none:
            _undo(group, member, before, error, now)
        elif group.state is GroupState.STABLE:
            group.members.answer_join(member, _unchanged(group, request, member, before))

    assignments = {m.member_id: m.assignment for m in group.members}
    stored = to_stored(group, assignments)
    return Decision(reply, (GroupRecord(group.group_id, stored),), on_written)


def _unchanged(
    group: ClassicGroup, request: Join, member: ClassicMember, before: _Before
) -> JoinResult:
    """The running generation. A leader must not assign again: it is told to skip that (KIP-814).

    One whose version cannot be told is shown its old self as the leader, and so only follows.
    """
    result = current_generation(group, member)
    if request.may_skip_assignment:
        return result._replace(skip_assignment=group.is_leader(member.member_id))
    return result._replace(leader_id=before.leader_id or "", members=())


def _undo(
    group: ClassicGroup, member: ClassicMember, before: _Before, error: ErrorCode, now: Now
) -> None:
    group.members.answer_join(member, JoinResult(error, UNKNOWN_MEMBER_ID))
    group.members.set_protocols(member, before.protocols)
    member.rebalance_timeout_ms = before.rebalance_timeout_ms
    member.session_timeout_ms = before.session_timeout_ms
    _give_id(group, member, before.member_id)
    group.extend_session(member, now.monotonic_ms)
