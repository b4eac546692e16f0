"""LeaveGroup, decided: members go at once, one or many, by their own will or an operator's.

Source: `classicGroupLeaveToClassicGroup`, `GroupMetadataManager` in apache/kafka; KIP-345 (removal
by instance id, batches), KIP-800 (reasons).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now

from ..record_types import GroupRecord
from ..requests import UNKNOWN_MEMBER_ID, LeaveResult, Leaving, Left
from .group import ClassicGroup, logger
from .rebalancing import NO_RECORDS, prepare_or_complete, remove
from .states import GroupState

LeaveDecision: TypeAlias = Decision[LeaveResult, GroupRecord]


def leave(group: ClassicGroup, members: Sequence[Leaving], now: Now) -> LeaveDecision:
    """Decide a LeaveGroup; each member has its own outcome."""
    left = tuple(
        Left(member.member_id, member.group_instance_id, _remove_one(group, member))
        for member in members
    )
    gone = [member for member in left if member.error is ErrorCode.none]
    records = NO_RECORDS
    if gone and group.state is not GroupState.EMPTY:
        names = ", ".join(
            member.member_id or f"instance {member.group_instance_id}" for member in gone
        )
        records = prepare_or_complete(group, f"{names} left the group", now)
    return Decision(LeaveResult(ErrorCode.none, left), records)


def _remove_one(group: ClassicGroup, leaving: Leaving) -> ErrorCode:
    member_id = leaving.member_id
    if member_id == UNKNOWN_MEMBER_ID:
        if leaving.group_instance_id is None:
            return ErrorCode.unknown_member_id
        member_id = group.members.id_of_instance(leaving.group_instance_id) or UNKNOWN_MEMBER_ID
    elif member_id in group.members.pending:
        del group.members.pending[member_id]
        return ErrorCode.none
    error = group.membership_error(member_id, leaving.group_instance_id)
    if error is ErrorCode.none:
        logger.info("group %s: %s left: %s", group.group_id, member_id, leaving.reason)
        remove(group, group.members[member_id])
    return error
