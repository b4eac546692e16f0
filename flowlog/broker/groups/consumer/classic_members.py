"""Members of the classic protocol inside a KIP-848 group: JoinGroup, SyncGroup, Heartbeat and
LeaveGroup, in terms of epochs.

A join is a full heartbeat: the member epoch is its generation, and it is given what is free for
it at once. It hears REBALANCE_IN_PROGRESS where a KIP-848 member would be told to give up or take
partitions, and joins again. Nobody leads and nobody waits for others.
Source: `classicGroupJoinToConsumerGroup` and its neighbours, `GroupMetadataManager` in
apache/kafka; KIP-848, "Supporting Online Consumer Group Upgrade".
"""

from __future__ import annotations

from typing import Any, TypeAlias

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now
from flowlog.errors import KafkaError

from ..consumer_protocol import (
    ByName,
    Subscription,
    decode_subscription,
    encode_assignment,
    subscription_version,
)
from ..requests import UNKNOWN_MEMBER_ID, Join, JoinResult, Sync, SyncResult
from ..topics import Topics
from .checks import check_static, unknown_member
from .downgrading import by_name, can_downgrade, downgrade
from .draft import Draft
from .group import CONSUMER_PROTOCOL_TYPE, ConsumerGroup
from .heartbeating import admit, check_room
from .member import ClassicMetadata, MemberMetadata, MemberState, partitions_of
from .reconciling import Reported
from .timers import Waiting

JoinDecision: TypeAlias = Decision[JoinResult, Any]


def join(draft: Draft, request: Join) -> JoinDecision:
    """Decide a JoinGroup.

    Raises:
        KafkaError: what the member hears instead.
    """
    member_id = request.member_id or request.new_member_id
    check_room(draft, member_id)
    subscription = _subscription(draft, request)
    is_dynamic = request.group_instance_id is None
    if not request.member_id and is_dynamic and request.needs_member_id_first:
        return Decision(JoinResult(ErrorCode.member_id_required, member_id))
    replaces_newer = _take_place(draft, request, member_id)
    classic = ClassicMetadata(request.session_timeout_ms, request.protocols)
    changed = admit(draft, member_id, _metadata(request, subscription, classic))
    is_downgraded = replaces_newer and can_downgrade(draft)
    is_settled = draft.state.target_epoch == draft.state.epoch
    if not is_downgraded:
        draft.make_target()
    owned = _by_id(subscription.owned, draft.topics)
    current = draft.reconcile(member_id, owned, subscription_changed=changed)
    result = JoinResult(
        ErrorCode.none,
        member_id,
        generation_id=current.member_epoch,
        protocol_type=CONSUMER_PROTOCOL_TYPE,
        protocol_name=request.protocols[0].name,
    )
    if is_downgraded:
        reason = f"{request.group_instance_id} came back with the protocol that all others have"
        downgrade(draft, reason=reason, rebalances=not is_settled)
    else:
        _time_sync(draft, member_id, request)
    return Decision(result, tuple(draft.records))


def _subscription(draft: Draft, request: Join) -> Subscription:
    """Raises `KafkaError`: INCONSISTENT_GROUP_PROTOCOL."""
    state = draft.state
    classics = [m.classic for m in state.members.values() if m.classic is not None]
    spoken = ({protocol.name for protocol in classic.protocols} for classic in classics)
    common = {protocol.name for protocol in request.protocols}.intersection(*spoken)
    if request.protocol_type == CONSUMER_PROTOCOL_TYPE and common:
        try:
            return decode_subscription(request.protocols[0].metadata)
        except ValueError:
            pass  # no consumer: nothing that we could assign to it
    raise KafkaError(
        ErrorCode.inconsistent_group_protocol,
        f"Member {request.member_id}'s protocols are not supported.",
    )


def _take_place(draft: Draft, request: Join, member_id: str) -> bool:
    """Take over a static member's place; whether it has been one of KIP-848."""
    instance_id = request.group_instance_id
    if instance_id is None:
        return False
    if request.member_id != UNKNOWN_MEMBER_ID:
        check_static(draft.state, member_id, instance_id)
        return False
    present = draft.state.static_ids.get(instance_id)
    if present is None:
        return False
    was_newer = draft.state.members[present].classic is None
    draft.replace_member(present, member_id)
    return was_newer


def _metadata(
    request: Join, subscription: Subscription, classic: ClassicMetadata
) -> MemberMetadata:
    return MemberMetadata(
        instance_id=request.group_instance_id,
        rack_id=subscription.rack_id,
        client_id=request.client_id,
        client_host=request.client_host,
        topics=subscription.topics,
        rebalance_timeout_ms=request.rebalance_timeout_ms,
        classic=classic,
    )


def _by_id(owned: ByName, topics: Topics) -> Reported:
    found = ((topics.named(name), partitions) for name, partitions in owned.items())
    return {topic.topic_id: partitions for topic, partitions in found if topic is not None}


def _time_sync(draft: Draft, member_id: str, request: Join) -> None:
    timers, now_ms = draft.group.timers, draft.now.monotonic_ms
    timers.stop(member_id, Waiting.JOIN)
    timers.stop(member_id, Waiting.REVOCATION)
    timers.start(member_id, Waiting.SESSION, now_ms + request.session_timeout_ms)
    timers.stop(member_id, Waiting.SYNC)
    timers.start(member_id, Waiting.SYNC, now_ms + request.rebalance_timeout_ms)


def sync(group: ConsumerGroup, request: Sync, now: Now) -> SyncResult:
    """Decide a SyncGroup.

    Raises:
        KafkaError: what the member hears instead.
    """
    member_id = request.member_id
    classic = _check_member(group, member_id, request.group_instance_id, request.generation_id)
    name = classic.protocols[0].name
    if (request.protocol_type or CONSUMER_PROTOCOL_TYPE) != CONSUMER_PROTOCOL_TYPE or (
        request.protocol_name or name
    ) != name:
        raise KafkaError(ErrorCode.inconsistent_group_protocol)
    current = group.state.held_by(member_id)
    if group.state.epoch > current.member_epoch and current.state is not MemberState.UNREVOKED:
        _await_join(group, member_id, now.monotonic_ms)
        raise KafkaError(ErrorCode.rebalance_in_progress)
    group.timers.stop(member_id, Waiting.SYNC)
    deadline_ms = now.monotonic_ms + classic.session_timeout_ms
    group.timers.start(member_id, Waiting.SESSION, deadline_ms)
    partitions = by_name(partitions_of(current.assigned), group.context.topics)
    version = subscription_version(classic.protocols)
    return SyncResult(
        ErrorCode.none,
        request.protocol_type,
        request.protocol_name,
        encode_assignment(partitions, version),
    )


def heartbeat(
    group: ConsumerGroup,
    member_id: str,
    instance_id: str | None,
    generation_id: int,
    now_ms: int,
) -> ErrorCode:
    """Decide a Heartbeat: REBALANCE_IN_PROGRESS where joining again brings the member on.

    Raises:
        KafkaError: what the member hears instead.
    """
    classic = _check_member(group, member_id, instance_id, generation_id)
    group.timers.start(member_id, Waiting.SESSION, now_ms + classic.session_timeout_ms)
    if not _has_to_rejoin(group, member_id):
        return ErrorCode.none
    _await_join(group, member_id, now_ms)
    return ErrorCode.rebalance_in_progress


def _has_to_rejoin(group: ConsumerGroup, member_id: str) -> bool:
    state = group.state
    current = state.held_by(member_id)
    if current.member_epoch < state.epoch or current.state is MemberState.UNREVOKED:
        return True
    return current.state is MemberState.UNRELEASED and _is_all_free(group, member_id)


def _is_all_free(group: ConsumerGroup, member_id: str) -> bool:
    owners, target = group.state.owners, group.state.targets.get(member_id, {})
    return all(
        owners.get((topic_id, n), member_id) == member_id
        for topic_id, partitions in target.items()
        for n in partitions
    )


def _await_join(group: ConsumerGroup, member_id: str, now_ms: int) -> None:
    timeout_ms = group.state.members[member_id].rebalance_timeout_ms
    group.timers.start(member_id, Waiting.JOIN, now_ms + timeout_ms)


def _check_member(
    group: ConsumerGroup, member_id: str, instance_id: str | None, generation_id: int
) -> ClassicMetadata:
    if instance_id is not None:
        check_static(group.state, member_id, instance_id)
    member = group.state.members.get(member_id)
    if member is None or member.classic is None:
        raise unknown_member(member_id, group.group_id)
    if generation_id != group.state.held_by(member_id).member_epoch:
        raise KafkaError(ErrorCode.illegal_generation)
    return member.classic
