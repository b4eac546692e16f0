"""LeaveGroup of members of the classic protocol inside a KIP-848 group.

Source: `classicGroupLeaveToConsumerGroup`, `GroupMetadataManager` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision
from flowlog.errors import KafkaError

from ..requests import UNKNOWN_MEMBER_ID, LeaveResult, Leaving, Left
from .checks import check_static, unknown_member
from .draft import Draft
from .leaving import remove

LeaveDecision: TypeAlias = Decision[LeaveResult, Any]


def leave(draft: Draft, members: Sequence[Leaving]) -> LeaveDecision:
    """Decide a LeaveGroup; each member has its own outcome."""
    left: list[Left] = []
    gone: dict[str, None] = {}
    for leaving in members:
        member_id, error = leaving.member_id, ErrorCode.none
        try:
            member_id = _find(draft, leaving)
            gone[member_id] = None
        except KafkaError as refused:
            error = refused.error_code
        left.append(Left(member_id, leaving.group_instance_id, error))
    if gone:
        remove(draft, list(gone), "left")
    return Decision(LeaveResult(ErrorCode.none, tuple(left)), tuple(draft.records))


def _find(draft: Draft, leaving: Leaving) -> str:
    """The member that is meant; an operator may name an instance id alone.

    Raises:
        KafkaError: UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID.
    """
    state, member_id, instance_id = draft.state, leaving.member_id, leaving.group_instance_id
    if instance_id is not None:
        if member_id == UNKNOWN_MEMBER_ID:
            member_id = state.static_ids.get(instance_id, UNKNOWN_MEMBER_ID)
        check_static(state, member_id, instance_id)
    member = state.members.get(member_id)
    if member is None or member.classic is None:
        raise unknown_member(member_id, draft.group_id)
    return member_id
