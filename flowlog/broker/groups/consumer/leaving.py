"""Members that go: by their own will, for now or for good, or because their time is up.

Source: `consumerGroupLeave` and `consumerGroupFenceMember`, `GroupMetadataManager` in
apache/kafka, group-coordinator.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now

from ..record_types import GroupsRecord
from .checks import check_static, unknown_member
from .downgrading import can_downgrade, downgrade
from .draft import Draft
from .group import ConsumerGroup
from .heartbeating import HeartbeatDecision, settled
from .member import LEAVE_FOR_NOW_EPOCH
from .requests import ConsumerHeartbeat, HeartbeatResult
from .timers import Waiting

RETRY_MS: Final = 500


def leave(draft: Draft, request: ConsumerHeartbeat) -> HeartbeatDecision:
    """Decide a heartbeat with one of the epochs of members that go.

    Raises:
        KafkaError: UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID.
    """
    state, member_id = draft.state, request.member_id
    if request.instance_id is None:
        if member_id not in state.members:
            raise unknown_member(member_id, draft.group_id)
    else:
        check_static(state, member_id, request.instance_id)
    result = HeartbeatResult(ErrorCode.none, None, member_id, request.member_epoch)
    if request.member_epoch == LEAVE_FOR_NOW_EPOCH:
        gone = state.held_by(member_id)._replace(member_epoch=LEAVE_FOR_NOW_EPOCH, revoking={})
        draft.put_current(member_id, gone)
        draft.group.timers.stop(member_id, Waiting.REVOCATION)
    else:
        remove(draft, [member_id], "left")
    return settled(draft, result)


def remove(draft: Draft, member_ids: Sequence[str], reason: str) -> None:
    """Take members out; the next heartbeat shares out what they had."""
    state = draft.state
    was_classic = state.classic_count == len(state.members)
    names = [state.members[m].instance_id or m for m in member_ids]
    for member_id in member_ids:
        draft.remove_member(member_id)
        draft.group.timers.wait_for_session_only(member_id)
    draft.forget_unused_regexes()
    reason = f"{', '.join(names)} {reason}"
    if not was_classic and can_downgrade(draft):
        downgrade(draft, reason=f"{reason}; only members of the classic protocol are left")
    else:
        draft.raise_epoch(reason)


def on_time(group: ConsumerGroup, now: Now) -> tuple[GroupsRecord, ...]:
    """Take out a member that did not do in time what was to be done; the next one follows.

    It is gone when that is written; where it cannot be, it is tried again a little later.
    """
    overdue = group.timers.overdue(now.monotonic_ms)
    if overdue is None:
        return ()
    group.timers.forget(overdue.member_id)
    if overdue.member_id not in group.state.members:
        return ()
    draft = Draft(group, now)
    remove(draft, [overdue.member_id], f"was removed: {overdue.waiting.value}")
    group.timers.start(overdue.member_id, Waiting.SESSION, now.monotonic_ms + RETRY_MS)
    return tuple(draft.records)
