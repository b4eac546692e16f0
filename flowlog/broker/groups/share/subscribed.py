"""What the members of a share group subscribe to, and where the group has a state for it. Pure."""

from __future__ import annotations

from collections.abc import Set
from typing import Final
from uuid import UUID

from ..topics import Topics
from .record_types import NamedPartitions, TopicStates
from .state import ShareGroupState

NO_PARTITIONS: Final[frozenset[int]] = frozenset()


def topic_ids(names: Set[str], topics: Topics) -> frozenset[UUID]:
    """Of those topics that exist."""
    found = map(topics.named, names)
    return frozenset(topic.topic_id for topic in found if topic is not None)


def assignable(state: ShareGroupState, topics: Topics) -> dict[UUID, frozenset[int]]:
    """The partitions of subscribed topics in which the group has a state."""
    found: dict[UUID, frozenset[int]] = {}
    for topic_id in topic_ids(state.subscribed_topics(), topics):
        topic, ready = topics.with_id(topic_id), partitions(state.states.initialized, topic_id)
        if topic is not None and ready:
            found[topic_id] = frozenset(p for p in ready if p < topic.partition_count)
    return found


def missing(state: ShareGroupState, topics: Topics) -> TopicStates:
    """The partitions of subscribed topics in which the group has no state yet."""
    found: dict[UUID, NamedPartitions] = {}
    for name in state.subscribed_topics():
        topic = topics.named(name)
        if topic is not None:
            ready = partitions(state.states.initialized, topic.topic_id)
            lacking = frozenset(range(topic.partition_count)) - ready
            if lacking:
                found[topic.topic_id] = NamedPartitions(name, lacking)
    return found


def partitions(states: TopicStates, topic_id: UUID) -> frozenset[int]:
    named = states.get(topic_id)
    return NO_PARTITIONS if named is None else named.partitions
