"""Members of a share group that go: by their own will, or because their session is over.

Source: `shareGroupLeave` and `shareGroupFenceMember`, `GroupMetadataManager` in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now

from ..consumer.checks import unknown_member
from .draft import ShareDraft
from .group import ShareGroup
from .heartbeating import ShareDecision, settled
from .record_types import ShareRecord
from .requests import ShareHeartbeat, ShareHeartbeatResult

RETRY_MS: Final = 500


def leave(draft: ShareDraft, request: ShareHeartbeat) -> ShareDecision:
    """Decide the last heartbeat of a member.

    Raises:
        KafkaError: UNKNOWN_MEMBER_ID.
    """
    member_id = request.member_id
    if member_id not in draft.state.members:
        raise unknown_member(member_id, draft.group_id)
    _remove(draft, [member_id], "left")
    result = ShareHeartbeatResult(ErrorCode.none, None, member_id, request.member_epoch)
    return settled(draft, result)


def on_time(group: ShareGroup, now: Now) -> tuple[ShareRecord, ...]:
    """Remove every member that was not heard of in time.

    It is gone when that is written; where it cannot be, it is tried again a little later. What it
    held is free at once. A member that leaves by itself may still acknowledge: librdkafka does.
    """
    overdue = sorted(m for m, until_ms in group.sessions.items() if until_ms <= now.monotonic_ms)
    gone = [member_id for member_id in overdue if member_id in group.state.members]
    for member_id in overdue:
        del group.sessions[member_id]
    for member_id in gone:
        group.sessions[member_id] = now.monotonic_ms + RETRY_MS
        group.context.on_share_member_lost(group.group_id, member_id)
    if not gone:
        return ()
    draft = ShareDraft(group, now)
    _remove(draft, gone, "was removed: its session ended without a heartbeat")
    return tuple(draft.records)


def _remove(draft: ShareDraft, member_ids: Sequence[str], how: str) -> None:
    for member_id in member_ids:
        draft.remove_member(member_id)
    draft.raise_epoch(f"{', '.join(member_ids)} {how}")
