"""ShareGroupHeartbeat, decided: who is in, and who shares what.

    1. the member joins, or says what has changed; new subscriptions raise the group's epoch
    2. a new epoch gets a target: who is to have what
    3. the member is given its target at once

Source: `GroupMetadataManager.shareGroupHeartbeat` in apache/kafka, group-coordinator; KIP-932.
"""

from __future__ import annotations

from typing import TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.errors import KafkaError

from ..consumer.checks import unknown_member
from .checks import check_epoch
from .draft import ShareDraft
from .group import UNSEEN, ShareGroup
from .member import JOIN_EPOCH, ShareAssignment, ShareMember, Target
from .record_types import ShareRecord
from .requests import ShareHeartbeat, ShareHeartbeatResult

ShareDecision: TypeAlias = Decision[ShareHeartbeatResult, ShareRecord]


def quiet_heartbeat(
    group: ShareGroup, request: ShareHeartbeat, now_ms: int
) -> ShareHeartbeatResult | None:
    """The answer to a heartbeat that changes nothing, as nearly all do; None: look closer."""
    state = group.state
    current = state.current.get(request.member_id)
    if current is None or request.topics is not None or request.rack_id is not None:
        return None
    epoch = request.member_epoch
    if not (0 < epoch == current.member_epoch == state.target_epoch == state.epoch):
        return None
    member = state.members[request.member_id]
    if (
        group.topics_version != group.context.topics.version
        or member.client_host != request.client_host
        or member.client_id != request.client_id
    ):
        return None
    settings = group.context.settings(group.group_id)
    group.sessions[request.member_id] = now_ms + settings.share_session_timeout_ms
    return ShareHeartbeatResult(
        ErrorCode.none, None, request.member_id, epoch, settings.share_heartbeat_interval_ms
    )


def heartbeat(draft: ShareDraft, request: ShareHeartbeat) -> ShareDecision:
    """Decide a heartbeat of a member that joins or stays.

    Raises:
        KafkaError: what the member hears instead.
    """
    member_id = request.member_id
    _check_room(draft, member_id)
    if member_id not in draft.state.members and request.member_epoch != JOIN_EPOCH:
        raise unknown_member(member_id, draft.group_id)
    held = draft.state.held_by(member_id)
    check_epoch(held, request.member_epoch)
    _admit(draft, request)
    draft.make_target()
    current = draft.step(member_id)
    settings = draft.group.context.settings(draft.group_id)
    draft.group.sessions[member_id] = draft.now.monotonic_ms + settings.share_session_timeout_ms
    result = ShareHeartbeatResult(
        ErrorCode.none,
        None,
        member_id,
        current.member_epoch,
        settings.share_heartbeat_interval_ms,
        _news(held, current, request),
    )
    return settled(draft, result)


def _admit(draft: ShareDraft, request: ShareHeartbeat) -> None:
    """Note the member as it is now, and raise the epoch if that or the topics ask for it."""
    member_id = request.member_id
    before = draft.state.members.get(member_id)
    known = before or ShareMember()
    member = ShareMember(
        rack_id=request.rack_id or known.rack_id,
        client_id=request.client_id,
        client_host=request.client_host,
        topics=known.topics if request.topics is None else request.topics,
    )
    changed = draft.put_member(member_id, member)
    reason = draft.reason_to_rebalance()
    if changed:
        reason = f"{member_id} {'joins' if before is None else 'subscribes to other topics'}"
    if reason is not None:
        draft.raise_epoch(reason)
    draft.group.topics_version = draft.topics.version


def _news(
    held: ShareAssignment, current: ShareAssignment, request: ShareHeartbeat
) -> Target | None:
    """The assignment, if it has changed or the member asks for everything."""
    is_full = request.member_epoch == JOIN_EPOCH or request.topics is not None
    return current.assigned if is_full or current.assigned != held.assigned else None


def settled(draft: ShareDraft, result: ShareHeartbeatResult) -> ShareDecision:
    """The draft as a decision. What could not be written is looked at again next time."""
    group = draft.group

    def on_written(error: ErrorCode, now: Now) -> None:
        if error is not ErrorCode.none:
            group.topics_version = UNSEEN

    return Decision(result, tuple(draft.records), on_written if draft.records else None)


def _check_room(draft: ShareDraft, member_id: str) -> None:
    """Raises `KafkaError`: GROUP_MAX_SIZE_REACHED."""
    most = draft.group.context.config.share_max_size
    if len(draft.state.members) >= most and member_id not in draft.state.members:
        raise KafkaError(
            ErrorCode.group_max_size_reached,
            f"The share group has reached its maximum capacity of {most} members.",
        )
