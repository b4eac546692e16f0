"""A KIP-848 group whose last member of that protocol goes becomes a classic group again.

Source: `convertToClassicGroup` and `ClassicGroup.fromConsumerGroup` in apache/kafka.
"""

from __future__ import annotations

from ..classic.group import ClassicGroup, logger
from ..classic.member import ClassicMember
from ..classic.rebalancing import prepare
from ..classic.states import GroupState
from ..classic.stored_group import to_stored
from ..consumer_protocol import ByName, encode_assignment, subscription_version
from ..record_types import GroupRecord
from ..topics import Topics
from .draft import Draft
from .group import CONSUMER_PROTOCOL_TYPE
from .member import NOTHING, MemberMetadata, Target, partitions_of
from .state_tombstones import state_tombstones


def can_downgrade(draft: Draft) -> bool:
    """Whether those who are left in the draft all speak the classic protocol, and may go back."""
    state, config = draft.state, draft.group.context.config
    return (
        0 < len(state.members) == state.classic_count <= config.max_size
        and config.migration_policy.allows_downgrade
    )


def downgrade(draft: Draft, *, reason: str, rebalances: bool = True) -> None:
    """Turn the draft into a classic group of its members.

    They are asked to join again; without `rebalances` they go on with what they are to have.
    """
    group, now = draft.group, draft.now
    classic = ClassicGroup(group.group_id, group.context.config)
    classic.protocol_type = CONSUMER_PROTOCOL_TYPE
    classic.generation_id = draft.state.epoch
    classic.rebalances.extend(group.rebalances)
    for member_id, metadata in draft.state.members.items():
        target = _held(draft, member_id) if rebalances else draft.state.targets.get(member_id)
        partitions = by_name(target or NOTHING, draft.topics)
        classic.members.add(_member(draft, member_id, metadata, partitions))
    classic.protocol_name = classic.members.elect_protocol()
    classic.leader_id = next(iter(draft.state.members))
    classic.state = GroupState.STABLE
    classic.state_timestamp_ms = now.wall_ms
    classic.refresh_topics()
    assignments = {member.member_id: member.assignment for member in classic.members}
    stored = to_stored(classic, assignments)
    draft.records += state_tombstones(group.group_id, draft.state)
    draft.records.append(GroupRecord(group.group_id, stored))
    group.context.arriving[group.group_id] = classic
    logger.info("group %s is a classic group again: %s", group.group_id, reason)
    if rebalances:
        prepare(classic, reason, now)


def _member(
    draft: Draft, member_id: str, metadata: MemberMetadata, partitions: ByName
) -> ClassicMember:
    spoken = metadata.classic
    assert spoken is not None, f"{member_id} does not speak the classic protocol"
    version = subscription_version(spoken.protocols)
    return ClassicMember(
        member_id=member_id,
        group_instance_id=metadata.instance_id,
        client_id=metadata.client_id,
        client_host=metadata.client_host,
        rebalance_timeout_ms=metadata.rebalance_timeout_ms,
        session_timeout_ms=spoken.session_timeout_ms,
        protocols=spoken.protocols,
        assignment=encode_assignment(partitions, version),
        session_deadline_ms=draft.now.monotonic_ms + spoken.session_timeout_ms,
    )


def _held(draft: Draft, member_id: str) -> Target:
    """What a member has until it joins again: a KIP-848 member that comes before may not get it.

    Kafka takes what the member was to have, and may so give a partition a second owner.
    """
    current = draft.state.held_by(member_id)
    assigned, revoking = partitions_of(current.assigned), partitions_of(current.revoking)
    topics = assigned.keys() | revoking.keys()
    return {t: assigned.get(t, frozenset()) | revoking.get(t, frozenset()) for t in topics}


def by_name(target: Target, topics: Topics) -> ByName:
    """Partitions by the names of the topics that exist."""
    found = ((topics.with_id(topic_id), partitions) for topic_id, partitions in target.items())
    return {topic.name: partitions for topic, partitions in found if topic is not None}
