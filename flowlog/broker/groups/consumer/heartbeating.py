"""ConsumerGroupHeartbeat, decided: who is in, who has what, and what a member does next.

    1. the member joins, or says what has changed; new subscriptions raise the group's epoch
    2. a new epoch gets a target: who is to have what
    3. the member takes its next step towards the target

Source: `GroupMetadataManager.consumerGroupHeartbeat` in apache/kafka, group-coordinator; KIP-848.
"""

from __future__ import annotations

from typing import TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.errors import KafkaError

from ..regex.automaton import cached_pattern
from .checks import (
    check_epoch,
    check_released,
    check_static,
    unknown_member,
)
from .draft import Draft
from .group import UNSEEN, ConsumerGroup
from .member import CurrentAssignment, MemberMetadata, MemberState, Target, partitions_of
from .record_types import ConsumerRecord
from .requests import NOT_GIVEN, ConsumerHeartbeat, HeartbeatResult
from .timers import Waiting

HeartbeatDecision: TypeAlias = Decision[HeartbeatResult, ConsumerRecord]


def quiet_heartbeat(
    group: ConsumerGroup, request: ConsumerHeartbeat, now_ms: int
) -> HeartbeatResult | None:
    """The answer to a heartbeat that changes nothing, as nearly all do; None: look closer."""
    state = group.state
    current = state.current.get(request.member_id)
    if current is None or current.state is not MemberState.STABLE:
        return None
    epoch = request.member_epoch
    if not (0 < epoch == current.member_epoch == state.target_epoch == state.epoch):
        return None
    if (
        request.topics is not None
        or request.regex is not None
        or request.rebalance_timeout_ms != NOT_GIVEN
        or request.assignor is not None
        or request.rack_id is not None
        or group.topics_version != group.context.topics.version
    ):
        return None
    member = state.members[request.member_id]
    if (
        request.instance_id not in (None, member.instance_id)
        or member.client_host != request.client_host
        or member.client_id != request.client_id
        or member.classic is not None
    ):
        return None
    settings = group.context.settings(group.group_id)
    group.timers.sessions[request.member_id] = now_ms + settings.consumer_session_timeout_ms
    return HeartbeatResult(
        ErrorCode.none, None, request.member_id, epoch, settings.consumer_heartbeat_interval_ms
    )


def heartbeat(draft: Draft, request: ConsumerHeartbeat) -> HeartbeatDecision:
    """Decide a heartbeat of a member that joins or stays.

    Raises:
        KafkaError: what the member hears instead.
    """
    member_id = request.member_id
    check_room(draft, member_id)
    _let_in(draft, request)
    before = draft.state.members.get(member_id)
    metadata = _updated(before or MemberMetadata(), request)
    changed = admit(draft, member_id, metadata)
    draft.make_target()
    held = draft.state.held_by(member_id)
    current = draft.reconcile(member_id, request.owned, subscription_changed=changed)
    draft.time_revocation(member_id, current)
    settings = draft.group.context.settings(draft.group_id)
    deadline_ms = draft.now.monotonic_ms + settings.consumer_session_timeout_ms
    draft.group.timers.start(member_id, Waiting.SESSION, deadline_ms)
    result = HeartbeatResult(
        ErrorCode.none,
        None,
        member_id,
        current.member_epoch,
        settings.consumer_heartbeat_interval_ms,
        _news(held, current, is_full=request.is_full),
    )
    return settled(draft, result)


def _news(held: CurrentAssignment, current: CurrentAssignment, *, is_full: bool) -> Target | None:
    """The assignment, if it has changed or the member asks for everything."""
    assigned = partitions_of(current.assigned)
    return assigned if is_full or assigned != partitions_of(held.assigned) else None


def settled(draft: Draft, result: HeartbeatResult) -> HeartbeatDecision:
    """The draft as a decision. What could not be written is looked at again next time."""
    group = draft.group

    def on_written(error: ErrorCode, now: Now) -> None:
        if error is not ErrorCode.none:
            group.topics_version = UNSEEN

    return Decision(result, tuple(draft.records), on_written if draft.records else None)


def check_room(draft: Draft, member_id: str) -> None:
    """Raises `KafkaError`: GROUP_MAX_SIZE_REACHED."""
    most = draft.group.context.config.consumer_max_size
    if len(draft.state.members) >= most and member_id not in draft.state.members:
        raise KafkaError(
            ErrorCode.group_max_size_reached,
            f"The consumer group has reached its maximum capacity of {most} members.",
        )


def _let_in(draft: Draft, request: ConsumerHeartbeat) -> None:
    """See that the sender may go on under its member id; take over a static member's place."""
    state, member_id = draft.state, request.member_id
    joins = request.member_epoch == 0
    if request.instance_id is None:
        if member_id not in state.members and not joins:
            raise unknown_member(member_id, draft.group_id)
    elif not joins:
        check_static(state, member_id, request.instance_id)
    else:
        present = state.static_ids.get(request.instance_id)
        if present is not None:
            if state.members[present].classic is None:
                check_released(state, present, member_id, request.instance_id)
            draft.replace_member(present, member_id)
        return
    check_epoch(state.held_by(member_id), request.member_epoch, request.owned)


def _updated(before: MemberMetadata, request: ConsumerHeartbeat) -> MemberMetadata:
    """What the member is known to be now: what it says, else what it said before.

    Raises:
        KafkaError: INVALID_REGULAR_EXPRESSION.
    """
    if request.regex:
        try:
            cached_pattern(request.regex)
        except ValueError as error:
            raise KafkaError(
                ErrorCode.invalid_regular_expression,
                f"SubscribedTopicRegex `{request.regex}` is not a valid regular expression: "
                f"{error}.",
            ) from None
    timeout_ms = request.rebalance_timeout_ms
    return MemberMetadata(
        instance_id=request.instance_id or before.instance_id,
        rack_id=request.rack_id or before.rack_id,
        client_id=request.client_id,
        client_host=request.client_host,
        topics=before.topics if request.topics is None else request.topics,
        regex=before.regex if request.regex is None else request.regex,
        rebalance_timeout_ms=before.rebalance_timeout_ms if timeout_ms == NOT_GIVEN else timeout_ms,
        assignor=request.assignor or before.assignor,
    )


def admit(draft: Draft, member_id: str, metadata: MemberMetadata) -> bool:
    """Note the member as it is now, and raise the group's epoch if that or the topics ask for it.

    Returns whether the member's own subscription changed.
    """
    is_new = member_id not in draft.state.members
    changed = draft.put_member(member_id, metadata)
    name = metadata.instance_id or member_id
    if changed:
        draft.look_at_topics()
        draft.raise_epoch(f"{name} joins" if is_new else f"{name} subscribes to other topics")
    elif draft.group.topics_version != draft.topics.version and draft.look_at_topics():
        draft.raise_epoch("the topics that it consumes changed")
    return changed
