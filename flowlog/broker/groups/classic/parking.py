"""Parking a member's join until the generation that it will be part of, or until we stop."""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Reply

from ..requests import Join, JoinResult, SyncResult
from .group import ClassicGroup
from .member import ClassicMember


def park(group: ClassicGroup, request: Join, member: ClassicMember) -> Reply[JoinResult]:
    """Take over what the member says now, and let it wait.

    A join of the same member that is still parked is superseded: its client has given up on it,
    or it would not ask again.
    """
    group.members.answer_join(member, JoinResult(ErrorCode.rebalance_in_progress, member.member_id))
    group.members.set_protocols(member, request.protocols)
    member.rebalance_timeout_ms = request.rebalance_timeout_ms
    member.session_timeout_ms = request.session_timeout_ms
    reply: Reply[JoinResult] = Reply()
    group.members.park_join(member, reply)
    return reply


def display_name(member: ClassicMember) -> str:
    """How reasons and log lines call a member."""
    if member.group_instance_id is None:
        return member.member_id
    return f"{member.member_id} (instance {member.group_instance_id})"


def answer_all_parked(group: ClassicGroup, error: ErrorCode) -> None:
    """The group is served elsewhere from now on: nobody may be left waiting here."""
    for member in group.members:
        group.members.answer_join(member, JoinResult(error, member.member_id))
        if member.sync_reply is not None:
            reply, member.sync_reply = member.sync_reply, None
            reply.answer(SyncResult(error))
