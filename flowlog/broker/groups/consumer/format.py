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

from collections.abc import Callable, Iterable
from typing import Final, TypeVar
from uuid import UUID

from ..record_fields import (
    FieldReader,
    compact_bytes,
    compact_nullable_string,
    compact_string,
    uvarint,
)
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

T = TypeVar("T")

VERSION: Final = b"\x00\x00"
NO_TAGS: Final = b"\x00"
_STATES: Final = {state.value: state for state in MemberState}


def encode_epoch(epoch: GroupEpoch) -> bytes:
    tags = NO_TAGS if not epoch.metadata_hash else _tag(0, _int(epoch.metadata_hash, 8))
    return VERSION + _int(epoch.epoch, 4) + tags


def decode_epoch(data: bytes) -> GroupEpoch:
    fields = _value(data)
    epoch = fields.int32()
    tag = fields.tags().get(0)
    return GroupEpoch(epoch, 0 if tag is None else _from_int(tag))


def encode_target_epoch(epoch: TargetEpoch) -> bytes:
    tags = NO_TAGS if not epoch.timestamp_ms else _tag(0, _int(epoch.timestamp_ms, 8))
    return VERSION + _int(epoch.epoch, 4) + tags


def decode_target_epoch(data: bytes) -> TargetEpoch:
    fields = _value(data)
    epoch = fields.int32()
    tag = fields.tags().get(0)
    return TargetEpoch(epoch, 0 if tag is None else _from_int(tag))


def encode_metadata(metadata: MemberMetadata) -> bytes:
    return b"".join(
        (
            VERSION,
            compact_nullable_string(metadata.instance_id),
            compact_nullable_string(metadata.rack_id),
            compact_string(metadata.client_id),
            compact_string(metadata.client_host),
            _array(sorted(metadata.topics), compact_string),
            compact_nullable_string(metadata.regex or None),
            _int(metadata.rebalance_timeout_ms, 4),
            compact_nullable_string(metadata.assignor),
            NO_TAGS if metadata.classic is None else _tag(0, _encode_classic(metadata.classic)),
        )
    )


def _encode_classic(classic: ClassicMetadata) -> bytes:
    protocols = _array(
        classic.protocols, lambda p: compact_string(p.name) + compact_bytes(p.metadata) + NO_TAGS
    )
    return b"\x01" + _int(classic.session_timeout_ms, 4) + protocols + NO_TAGS


def decode_metadata(data: bytes) -> MemberMetadata:
    fields = _value(data)
    metadata = MemberMetadata(
        instance_id=fields.nullable_string(compact=True),
        rack_id=fields.nullable_string(compact=True),
        client_id=fields.string(compact=True),
        client_host=fields.string(compact=True),
        topics=frozenset(_read_array(fields, lambda f: f.string(compact=True))),
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
    return ClassicMetadata(fields.int32(), tuple(_read_array(fields, _decode_protocol)))


def _decode_protocol(fields: FieldReader) -> Protocol:
    protocol = Protocol(fields.string(compact=True), fields.sized_bytes(compact=True))
    fields.tags()
    return protocol


def encode_target(target: Target) -> bytes:
    topics = _array(
        sorted(target.items()), lambda item: item[0].bytes + _ints(sorted(item[1])) + NO_TAGS
    )
    return VERSION + topics + NO_TAGS


def decode_target(data: bytes) -> Target:
    return {
        topic_id: frozenset(partitions)
        for topic_id, partitions in _read_array(_value(data), _decode_topic)
        if partitions
    }


def encode_current(current: CurrentAssignment) -> bytes:
    return b"".join(
        (
            VERSION,
            _int(current.member_epoch, 4),
            _int(current.previous_epoch, 4),
            _int(current.state.value, 1),
            _encode_owned(current.assigned),
            _encode_owned(current.revoking),
            NO_TAGS,
        )
    )


def _encode_owned(owned: Owned) -> bytes:
    def encode(item: tuple[UUID, dict[int, int]]) -> bytes:
        topic_id, epochs = item
        partitions = sorted(epochs)
        return topic_id.bytes + _ints(partitions) + _tag(0, _ints([epochs[p] for p in partitions]))

    return _array(sorted((topic_id, dict(epochs)) for topic_id, epochs in owned.items()), encode)


def decode_current(data: bytes) -> CurrentAssignment:
    fields = _value(data)
    epoch, previous = fields.int32(), fields.int32()
    state = _STATES.get(fields.int8(), MemberState.UNKNOWN)
    assigned, revoking = (_decode_owned(fields, epoch) for _ in range(2))
    return CurrentAssignment(epoch, previous, state, assigned, revoking)


def _decode_owned(fields: FieldReader, member_epoch: int) -> Owned:
    """Brokers before 4.3 wrote no epochs: the member's own is then as good as any."""
    owned: dict[UUID, dict[int, int]] = {}
    for _ in range(fields.array_count(compact=True)):
        topic_id = UUID(bytes=fields.raw(16))
        partitions = _read_ints(fields)
        tag = fields.tags().get(0)
        epochs = [] if tag is None else _read_ints(FieldReader(tag))
        if len(epochs) != len(partitions):
            epochs = [member_epoch] * len(partitions)
        if partitions:
            owned[topic_id] = dict(zip(partitions, epochs, strict=True))
    return owned


def encode_regex(resolved: ResolvedRegex) -> bytes:
    topics = _array(sorted(resolved.topics), compact_string)
    return VERSION + topics + _int(resolved.version, 8) + _int(resolved.timestamp_ms, 8) + NO_TAGS


def decode_regex(data: bytes) -> ResolvedRegex:
    fields = _value(data)
    topics = frozenset(_read_array(fields, lambda f: f.string(compact=True)))
    return ResolvedRegex(topics, fields.int64(), fields.int64())


# Parts.


def _value(data: bytes) -> FieldReader:
    fields = FieldReader(data)
    version = fields.int16()
    if version != 0:
        raise ValueError(f"a record of a consumer group of version {version}")
    return fields


def _int(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def _from_int(data: bytes) -> int:
    return int.from_bytes(data, "big", signed=True)


def _tag(number: int, data: bytes) -> bytes:
    return b"\x01" + uvarint(number) + uvarint(len(data)) + data


def _array(items: Iterable[T], encode: Callable[[T], bytes]) -> bytes:
    encoded = [encode(item) for item in items]
    return uvarint(len(encoded) + 1) + b"".join(encoded)


def _ints(values: Iterable[int]) -> bytes:
    return _array(values, lambda value: _int(value, 4))


def _read_array(fields: FieldReader, decode: Callable[[FieldReader], T]) -> list[T]:
    return [decode(fields) for _ in range(fields.array_count(compact=True))]


def _read_ints(fields: FieldReader) -> list[int]:
    return _read_array(fields, lambda f: f.int32())


def _decode_topic(fields: FieldReader) -> tuple[UUID, list[int]]:
    topic = UUID(bytes=fields.raw(16)), _read_ints(fields)
    fields.tags()
    return topic
