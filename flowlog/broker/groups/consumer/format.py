"""A KIP-848 group in Kafka's bytes. Every value is version 0 with flexible fields.

    key 3   group              value  epoch i32 | tag 0: metadata hash i64
    key 5   group, member      value  instance?, rack?, client id, client host, topics [],
                                      regex?, rebalance timeout i32, assignor?
                                      | tag 0: i8 1, session timeout i32, protocols []
    key 6   group              value  target epoch i32 | tag 0: time i64
    key 7   group, member      value  topics []: topic id, partitions [] of i32
    key 8   group, member      value  epoch i32, previous epoch i32, state i8, assigned [], revoking []
                                      each topic id, partitions [] of i32 | tag 0: epochs [] of i32
    key 16  group, regex       value  topics [], metadata version i64, time i64

Key 4, the topics' metadata, is what brokers before 4.1 wrote; it is read past.
Source: ConsumerGroup*Key.json and ConsumerGroup*Value.json in apache/kafka, group-coordinator.
"""

from __future__ import annotations

from typing import Final
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
    tagged,
    to_integer,
    topic_partitions,
    value_of_version_0,
)

from ..record_fields import FieldReader, compact_bytes, compact_nullable_string, compact_string
from ..requests import Protocol
from .member import (
    ClassicMetadata,
    CurrentAssignment,
    MemberMetadata,
    MemberState,
    Owned,
    Target,
)
from .record_types import GroupEpoch, ResolvedRegex, TargetEpoch

_STATES: Final = {state.value: state for state in MemberState}


def encode_epoch(epoch: GroupEpoch) -> bytes:
    tags = NO_TAGS if not epoch.metadata_hash else tagged(0, integer(epoch.metadata_hash, 8))
    return VERSION_0 + integer(epoch.epoch, 4) + tags


def decode_epoch(data: bytes) -> GroupEpoch:
    fields = value_of_version_0(data)
    epoch = fields.int32()
    tag = fields.tags().get(0)
    return GroupEpoch(epoch, 0 if tag is None else to_integer(tag))


def encode_target_epoch(epoch: TargetEpoch) -> bytes:
    tags = NO_TAGS if not epoch.timestamp_ms else tagged(0, integer(epoch.timestamp_ms, 8))
    return VERSION_0 + integer(epoch.epoch, 4) + tags


def decode_target_epoch(data: bytes) -> TargetEpoch:
    fields = value_of_version_0(data)
    epoch = fields.int32()
    tag = fields.tags().get(0)
    return TargetEpoch(epoch, 0 if tag is None else to_integer(tag))


def encode_metadata(metadata: MemberMetadata) -> bytes:
    return b"".join(
        (
            VERSION_0,
            compact_nullable_string(metadata.instance_id),
            compact_nullable_string(metadata.rack_id),
            compact_string(metadata.client_id),
            compact_string(metadata.client_host),
            array(sorted(metadata.topics), compact_string),
            compact_nullable_string(metadata.regex or None),
            integer(metadata.rebalance_timeout_ms, 4),
            compact_nullable_string(metadata.assignor),
            NO_TAGS if metadata.classic is None else tagged(0, _encode_classic(metadata.classic)),
        )
    )


def _encode_classic(classic: ClassicMetadata) -> bytes:
    protocols = array(
        classic.protocols, lambda p: compact_string(p.name) + compact_bytes(p.metadata) + NO_TAGS
    )
    return b"\x01" + integer(classic.session_timeout_ms, 4) + protocols + NO_TAGS


def decode_metadata(data: bytes) -> MemberMetadata:
    fields = value_of_version_0(data)
    metadata = MemberMetadata(
        instance_id=fields.nullable_string(compact=True),
        rack_id=fields.nullable_string(compact=True),
        client_id=fields.string(compact=True),
        client_host=fields.string(compact=True),
        topics=frozenset(read_array(fields, lambda f: f.string(compact=True))),
        regex=fields.nullable_string(compact=True) or "",
        rebalance_timeout_ms=fields.int32(),
        assignor=fields.nullable_string(compact=True),
    )
    tag = fields.tags().get(0)
    return metadata if tag is None else metadata._replace(classic=_decode_classic(tag))


def _decode_classic(data: bytes) -> ClassicMetadata | None:
    fields = FieldReader(data)
    if fields.int8() < 0:
        return None
    return ClassicMetadata(fields.int32(), tuple(read_array(fields, _decode_protocol)))


def _decode_protocol(fields: FieldReader) -> Protocol:
    protocol = Protocol(fields.string(compact=True), fields.sized_bytes(compact=True))
    fields.tags()
    return protocol


def encode_target(target: Target) -> bytes:
    topics = array(sorted(target.items()), lambda item: topic_partitions(*item))
    return VERSION_0 + topics + NO_TAGS


def decode_target(data: bytes) -> Target:
    return {
        topic_id: frozenset(partitions)
        for topic_id, partitions in read_array(value_of_version_0(data), read_topic_partitions)
        if partitions
    }


def encode_current(current: CurrentAssignment) -> bytes:
    return b"".join(
        (
            VERSION_0,
            integer(current.member_epoch, 4),
            integer(current.previous_epoch, 4),
            integer(current.state.value, 1),
            _encode_owned(current.assigned),
            _encode_owned(current.revoking),
            NO_TAGS,
        )
    )


def _encode_owned(owned: Owned) -> bytes:
    def encode(item: tuple[UUID, dict[int, int]]) -> bytes:
        topic_id, epochs = item
        partitions = sorted(epochs)
        return (
            topic_id.bytes + int32s(partitions) + tagged(0, int32s([epochs[p] for p in partitions]))
        )

    return array(sorted((topic_id, dict(epochs)) for topic_id, epochs in owned.items()), encode)


def decode_current(data: bytes) -> CurrentAssignment:
    fields = value_of_version_0(data)
    epoch, previous = fields.int32(), fields.int32()
    state = _STATES.get(fields.int8(), MemberState.UNKNOWN)
    assigned, revoking = (_decode_owned(fields, epoch) for _ in range(2))
    return CurrentAssignment(epoch, previous, state, assigned, revoking)


def _decode_owned(fields: FieldReader, member_epoch: int) -> Owned:
    """Brokers before 4.3 wrote no epochs: the member's own is then as good as any."""
    owned: dict[UUID, dict[int, int]] = {}
    for _ in range(fields.array_count(compact=True)):
        topic_id = UUID(bytes=fields.raw(16))
        partitions = read_int32s(fields)
        tag = fields.tags().get(0)
        epochs = [] if tag is None else read_int32s(FieldReader(tag))
        if len(epochs) != len(partitions):
            epochs = [member_epoch] * len(partitions)
        if partitions:
            owned[topic_id] = dict(zip(partitions, epochs, strict=True))
    return owned


def encode_regex(resolved: ResolvedRegex) -> bytes:
    topics = array(sorted(resolved.topics), compact_string)
    return (
        VERSION_0
        + topics
        + integer(resolved.version, 8)
        + integer(resolved.timestamp_ms, 8)
        + NO_TAGS
    )


def decode_regex(data: bytes) -> ResolvedRegex:
    fields = value_of_version_0(data)
    topics = frozenset(read_array(fields, lambda f: f.string(compact=True)))
    return ResolvedRegex(topics, fields.int64(), fields.int64())
