"""In which partitions a share group has a state, and what becomes of them: pure decisions.

The states themselves are kept elsewhere (`SharePersister`). A partition is assigned only once its
state is there, so what the group's record says must never be more than what there is: it is told
of a new state after it was made, and of the end of one before that is deleted.

Source: `GroupMetadataManager` in apache/kafka, group-coordinator: `subscribedTopicsChangeMap`,
`alterShareGroupOffsets`, `sharePartitionsEligibleForOffsetDeletion`.
"""

from __future__ import annotations

from collections.abc import Set
from typing import TypeAlias
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision
from flowlog.broker.share.persister import SharePartitionKey
from flowlog.errors import KafkaError

from .draft import ShareDraft
from .group import ShareGroup
from .record_types import NamedPartitions, ShareRecord, StatePartitions, TopicStates
from .subscribed import partitions

StatesDecision: TypeAlias = Decision[None, ShareRecord]


def keys(group_id: str, topics: TopicStates) -> list[SharePartitionKey]:
    """Each of the partitions, in order."""
    return [
        SharePartitionKey(group_id, topic_id, partition)
        for topic_id, named in topics.items()
        for partition in sorted(named.partitions)
    ]


def initialized(draft: ShareDraft, made: TopicStates) -> StatesDecision:
    """States have been made."""
    before = draft.state.states
    ready = dict(before.initialized)
    for topic_id, (name, numbers) in made.items():
        ready[topic_id] = NamedPartitions(name, numbers | partitions(ready, topic_id))
    draft.put_states(
        StatePartitions(
            initializing=_without(before.initializing, made),
            initialized=ready,
            deleting={t: name for t, name in before.deleting.items() if t not in made},
        )
    )
    return Decision(None, tuple(draft.records))


def deleting(draft: ShareDraft, topics: Set[UUID]) -> StatesDecision:
    """The states in those topics are about to be deleted."""
    before = draft.state.states
    gone = {t: named.name for t, named in _all(before).items() if t in topics}
    draft.put_states(
        StatePartitions(
            initializing=_without_topics(before.initializing, topics),
            initialized=_without_topics(before.initialized, topics),
            deleting={**before.deleting, **gone},
        )
    )
    return Decision(None, tuple(draft.records))


def deleted(draft: ShareDraft, topics: Set[UUID]) -> StatesDecision:
    """The states in those topics are no more."""
    before = draft.state.states
    draft.put_states(
        StatePartitions(
            initializing=_without_topics(before.initializing, topics),
            initialized=_without_topics(before.initialized, topics),
            deleting={t: name for t, name in before.deleting.items() if t not in topics},
        )
    )
    return Decision(None, tuple(draft.records))


def to_delete(group: ShareGroup, topics: Set[UUID]) -> list[SharePartitionKey]:
    """Every state that the group may have in those topics.

    Of one whose deletion was begun before, each partition that there is may still have one.
    """
    states = group.state.states
    found = {t: named.partitions for t, named in _all(states).items() if t in topics}
    for topic_id in states.deleting.keys() & topics:
        topic = group.context.topics.with_id(topic_id)
        if topic is not None:
            found[topic_id] = frozenset(range(topic.partition_count))
    return [
        SharePartitionKey(group.group_id, topic_id, partition)
        for topic_id, numbers in found.items()
        for partition in sorted(numbers)
    ]


def known_topics(group: ShareGroup) -> set[UUID]:
    """The topics in which the group has a state, or has begun to delete it."""
    states = group.state.states
    return {*states.initializing, *states.initialized, *states.deleting}


def check_empty(group: ShareGroup) -> None:
    """Raises `KafkaError`: NON_EMPTY_GROUP."""
    if group.state.members:
        raise KafkaError(ErrorCode.non_empty_group, "The group is not empty.")


def _all(states: StatePartitions) -> dict[UUID, NamedPartitions]:
    found = dict(states.initialized)
    for topic_id, (name, numbers) in states.initializing.items():
        found[topic_id] = NamedPartitions(name, numbers | partitions(found, topic_id))
    return found


def _without(topics: TopicStates, made: TopicStates) -> TopicStates:
    """What is left of `topics`."""
    left = {
        topic_id: NamedPartitions(name, numbers - partitions(made, topic_id))
        for topic_id, (name, numbers) in topics.items()
    }
    return {topic_id: named for topic_id, named in left.items() if named.partitions}


def _without_topics(topics: TopicStates, gone: Set[UUID]) -> TopicStates:
    return {topic_id: named for topic_id, named in topics.items() if topic_id not in gone}
