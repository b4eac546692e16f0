"""A classic group with members becomes a KIP-848 group while it runs.

Its members go on with what they have, under the classic protocol: `classic_members` serves them.
Source: `convertToConsumerGroup` and `ConsumerGroup.fromClassicGroup` in apache/kafka.
"""

from __future__ import annotations

from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now
from flowlog.errors import KafkaError

from ..classic.group import ClassicGroup, logger
from ..classic.member import ClassicMember
from ..classic.parking import answer_all_parked
from ..consumer_protocol import decode_assignment, decode_subscription
from ..context import GroupContext
from ..record_types import GroupRecord
from ..topics import Topics
from .draft import Draft
from .group import ConsumerGroup
from .member import ClassicMetadata, CurrentAssignment, MemberMetadata, Owned, partitions_of
from .record_types import (
    CurrentRecord,
    GroupEpoch,
    GroupEpochRecord,
    MemberRecord,
    TargetEpoch,
    TargetEpochRecord,
    TargetRecord,
)
from .timers import Waiting
from .topic_hash import metadata_hash


def upgrade(context: GroupContext, classic: ClassicGroup, now: Now) -> Draft:
    """The group with its members, as the draft that the first member of KIP-848 continues.

    Raises:
        KafkaError: GROUP_ID_NOT_FOUND: it may not or cannot be upgraded.
    """
    _check(context, classic)
    try:
        members = [_member(classic, member, context.topics) for member in classic.members]
    except ValueError:
        raise _refused(classic, "the embedded consumer protocol is malformed") from None
    answer_all_parked(classic, ErrorCode.rebalance_in_progress)
    group_id, generation = classic.group_id, classic.generation_id
    draft = Draft(ConsumerGroup(group_id, context), now)
    draft.group.rebalances.extend(classic.rebalances)
    context.arriving[group_id] = draft.group
    draft.records.append(GroupRecord(group_id, None))
    names = set[str]().union(*(metadata.topics for _, metadata, _ in members))
    epoch = GroupEpoch(generation, metadata_hash(names, context.topics))
    draft.add(GroupEpochRecord(group_id, epoch))
    draft.add(TargetEpochRecord(group_id, TargetEpoch(generation, now.wall_ms)))
    for member_id, metadata, owned in members:
        draft.add(MemberRecord(group_id, member_id, metadata))
        draft.add(TargetRecord(group_id, member_id, partitions_of(owned)))
        current = CurrentAssignment(generation, generation, assigned=owned)
        draft.add(CurrentRecord(group_id, member_id, current))
        assert metadata.classic is not None, "the members are classic ones"
        deadline_ms = now.monotonic_ms + metadata.classic.session_timeout_ms
        draft.group.timers.start(member_id, Waiting.SESSION, deadline_ms)
    logger.info("group %s is upgraded in generation %d", group_id, generation)
    return draft


def _check(context: GroupContext, classic: ClassicGroup) -> None:
    if not context.config.migration_policy.allows_upgrade:
        raise _refused(classic, "online upgrade is disabled")
    if not classic.is_consumer_group:
        raise _refused(classic, "the group does not use the consumer embedded protocol")
    if len(classic.members) > context.config.consumer_max_size:
        raise _refused(classic, "the group size exceeds the consumer group maximum size")


def _refused(classic: ClassicGroup, reason: str) -> KafkaError:
    logger.info("group %s is not upgraded: %s", classic.group_id, reason)
    return KafkaError(
        ErrorCode.group_id_not_found,
        f"Cannot upgrade classic group {classic.group_id} to consumer group because {reason}.",
    )


def _member(
    classic: ClassicGroup, member: ClassicMember, topics: Topics
) -> tuple[str, MemberMetadata, Owned]:
    """The member as it is, and what it has of topics that exist.

    Raises:
        ValueError: it does not speak the consumers' protocol.
        KafkaError: its assignment carries more than partitions, which we would lose.
    """
    name = classic.protocol_name or member.protocols[0].name
    subscription = decode_subscription(member.metadata(name))
    assignment = decode_assignment(member.assignment)
    if assignment.has_user_data:
        raise _refused(classic, "an unsupported custom assignor is in use")
    owned: dict[UUID, dict[int, int]] = {}
    for topic_name, partitions in assignment.partitions.items():
        topic = topics.named(topic_name)
        if topic is not None and partitions:
            owned[topic.topic_id] = dict.fromkeys(partitions, classic.generation_id)
    metadata = MemberMetadata(
        instance_id=member.group_instance_id,
        rack_id=subscription.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        topics=subscription.topics,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        classic=ClassicMetadata(member.session_timeout_ms, member.protocols),
    )
    return member.member_id, metadata, owned
