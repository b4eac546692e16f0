"""A share group in Kafka's bytes. Every value is version 0 with flexible fields.

    key 10  group, member      value  rack?, client id, client host, topics []
    key 11  group              value  epoch i32, metadata hash i64
    key 12  group              value  target epoch i32 | tag 0: time i64
    key 13  group, member      value  topics []: topic id, partitions [] of i32
    key 14  group, member      value  epoch i32, previous epoch i32, state i8, assigned []
                                      each topic id, partitions [] of i32
    key 15  group              value  initializing [], initialized []: topic id, name,
                                      partitions [] of i32; deleting []: topic id, name

Source: ShareGroup*Key.json and ShareGroup*Value.json in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from uuid import UUID

from flowlog.broker.coordinator.flexible_fields import (
    NO_TAGS,
    VERSION_0,
    array,
    int32s,
    integer,
    read_array,
    read_int32s,
    read_topic_partitions,
    topic_partitions,
    value_of_version_0,
)

from ..consumer.record_types import GroupEpoch
from ..record_fields import FieldReader, compact_nullable_string, compact_string
from .member import STABLE, ShareAssignment, ShareMember, Target
from .record_types import NamedPartitions, StatePartitions, TopicStates


def encode_member(member: ShareMember) -> bytes:
    return b"".join(
        (
            VERSION_0,
            compact_nullable_string(member.rack_id),
            compact_string(member.client_id),
            compact_string(member.client_host),
            array(sorted(member.topics), compact_string),
            NO_TAGS,
        )
    )


def decode_member(data: bytes) -> ShareMember:
    fields = value_of_version_0(data)
    return ShareMember(
        rack_id=fields.nullable_string(compact=True),
        client_id=fields.string(compact=True),
        client_host=fields.string(compact=True),
        topics=frozenset(read_array(fields, lambda f: f.string(compact=True))),
    )


def encode_epoch(epoch: GroupEpoch) -> bytes:
    return VERSION_0 + integer(epoch.epoch, 4) + integer(epoch.metadata_hash, 8) + NO_TAGS


def decode_epoch(data: bytes) -> GroupEpoch:
    fields = value_of_version_0(data)
    return GroupEpoch(fields.int32(), fields.int64())


def encode_current(current: ShareAssignment) -> bytes:
    return b"".join(
        (
            VERSION_0,
            integer(current.member_epoch, 4),
            integer(current.previous_epoch, 4),
            integer(STABLE, 1),
            _encode_target(current.assigned),
            NO_TAGS,
        )
    )


def decode_current(data: bytes) -> ShareAssignment:
    fields = value_of_version_0(data)
    epoch, previous, _ = fields.int32(), fields.int32(), fields.int8()
    assigned = read_array(fields, read_topic_partitions)
    return ShareAssignment(epoch, previous, {t: frozenset(ps) for t, ps in assigned if ps})


def _encode_target(target: Target) -> bytes:
    return array(sorted(target.items()), lambda item: topic_partitions(*item))


def encode_states(states: StatePartitions) -> bytes:
    deleting = array(sorted(states.deleting.items()), lambda item: _topic(*item) + NO_TAGS)
    initializing, initialized = map(_encode_topics, (states.initializing, states.initialized))
    return VERSION_0 + initializing + initialized + deleting + NO_TAGS


def _topic(topic_id: UUID, name: str) -> bytes:
    return topic_id.bytes + compact_string(name)


def _encode_topics(topics: TopicStates) -> bytes:
    def encode(item: tuple[UUID, NamedPartitions]) -> bytes:
        topic_id, (name, partitions) = item
        return _topic(topic_id, name) + int32s(sorted(partitions)) + NO_TAGS

    return array(sorted(topics.items()), encode)


def decode_states(data: bytes) -> StatePartitions:
    fields = value_of_version_0(data)
    initializing = dict(read_array(fields, _decode_topic))
    initialized = dict(read_array(fields, _decode_topic))
    return StatePartitions(initializing, initialized, dict(read_array(fields, _decode_deleting)))


def _decode_topic(fields: FieldReader) -> tuple[UUID, NamedPartitions]:
    topic_id, name = _decode_name(fields)
    partitions = frozenset(read_int32s(fields))
    fields.tags()
    return topic_id, NamedPartitions(name, partitions)


def _decode_deleting(fields: FieldReader) -> tuple[UUID, str]:
    topic = _decode_name(fields)
    fields.tags()
    return topic


def _decode_name(fields: FieldReader) -> tuple[UUID, str]:
    return UUID(bytes=fields.raw(16)), fields.string(compact=True)
