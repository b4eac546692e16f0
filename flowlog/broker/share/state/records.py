"""The records of `__share_group_state`: whole states, and changes to be laid over them.

    key    kind i16 | group, topic id 16 bytes, partition i32
    value of kind 0, a whole state    snapshot epoch i32, state epoch i32, leader epoch i32,
                                      start offset i64, created i64, written i64 (ms since 1970),
                                      batches [] | tag 0: complete count i32
    value of kind 1, a change         snapshot epoch i32, leader epoch i32, start offset i64,
                                      batches [] | tag 0: complete count i32
    batch                             first i64, last i64, state i8, count i16

Values are version 0 with flexible fields. A tombstone of kind 0 forgets the state.
Source: ShareSnapshot*.json and ShareUpdate*.json in apache/kafka, share-coordinator.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple
from uuid import UUID

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.coordinator.flexible_fields import (
    NO_TAGS,
    VERSION_0,
    array,
    integer,
    read_array,
    tagged,
    to_integer,
    value_of_version_0,
)
from flowlog.broker.coordinator.record_fields import FieldReader, string

from ..persister import UNKNOWN_COMPLETE_COUNT, SharePartitionKey, StateBatch
from .batches import Batches

SNAPSHOT: Final = 0
UPDATE: Final = 1

_SNAPSHOT: Final = struct.Struct(">iiiqqq")
_UPDATE: Final = struct.Struct(">iiq")
_BATCH: Final = struct.Struct(">qqbh")


class StoredState(NamedTuple):
    """All that is durable of a share partition. Times are milliseconds since 1970."""

    snapshot_epoch: int  # how often it has been written whole
    state_epoch: int
    leader_epoch: int
    start_offset: int
    batches: Batches = ()
    complete_count: int = UNKNOWN_COMPLETE_COUNT
    created_ms: int = -1
    written_ms: int = -1


class StoredUpdate(NamedTuple):
    """A change; -1 for a leader epoch or start offset that stays."""

    snapshot_epoch: int  # of the whole state that it belongs to
    leader_epoch: int
    start_offset: int
    batches: Batches = ()
    complete_count: int = UNKNOWN_COMPLETE_COUNT


class SnapshotRecord(NamedTuple):
    """The whole state; None: it is forgotten."""

    key: SharePartitionKey
    state: StoredState | None


class UpdateRecord(NamedTuple):
    key: SharePartitionKey
    update: StoredUpdate


StateRecord = SnapshotRecord | UpdateRecord


def encode(record: StateRecord) -> CoordinatorRecord:
    """Raises `ValueError` for a group's id that is too long for its length field."""
    if isinstance(record, UpdateRecord):
        return CoordinatorRecord(_key(UPDATE, record.key), _encode_update(record.update))
    state = record.state
    return CoordinatorRecord(
        _key(SNAPSHOT, record.key), None if state is None else _encode_state(state)
    )


def decode(entry: CoordinatorRecord) -> StateRecord | None:
    """The record; None for a kind that we do not know.

    Raises:
        ValueError: the bytes are not what their version says.
    """
    fields = FieldReader(entry.key)
    kind = fields.int16()
    if kind not in (SNAPSHOT, UPDATE):
        return None
    key = SharePartitionKey(fields.string(), UUID(bytes=fields.raw(16)), fields.int32())
    if kind == UPDATE:
        return None if entry.value is None else UpdateRecord(key, _decode_update(entry.value))
    return SnapshotRecord(key, None if entry.value is None else _decode_state(entry.value))


def _key(kind: int, key: SharePartitionKey) -> bytes:
    group, topic, partition = string(key.group_id), key.topic_id.bytes, integer(key.partition, 4)
    return integer(kind, 2) + group + topic + partition


def _encode_state(state: StoredState) -> bytes:
    fixed = _SNAPSHOT.pack(
        state.snapshot_epoch,
        state.state_epoch,
        state.leader_epoch,
        state.start_offset,
        state.created_ms,
        state.written_ms,
    )
    return VERSION_0 + fixed + _encode_rest(state.batches, state.complete_count)


def _encode_update(update: StoredUpdate) -> bytes:
    fixed = _UPDATE.pack(update.snapshot_epoch, update.leader_epoch, update.start_offset)
    return VERSION_0 + fixed + _encode_rest(update.batches, update.complete_count)


def _encode_rest(batches: Batches, complete_count: int) -> bytes:
    tags = NO_TAGS
    if complete_count != UNKNOWN_COMPLETE_COUNT:
        tags = tagged(0, integer(complete_count, 4))
    return array(batches, lambda batch: _BATCH.pack(*batch) + NO_TAGS) + tags


def _decode_state(data: bytes) -> StoredState:
    fields = value_of_version_0(data)
    snapshot_epoch, state_epoch, leader_epoch, start_offset, created_ms, written_ms = (
        _SNAPSHOT.unpack(fields.raw(_SNAPSHOT.size))
    )
    batches, complete_count = _decode_rest(fields)
    return StoredState(
        snapshot_epoch,
        state_epoch,
        leader_epoch,
        start_offset,
        batches,
        complete_count,
        created_ms,
        written_ms,
    )


def _decode_update(data: bytes) -> StoredUpdate:
    fields = value_of_version_0(data)
    snapshot_epoch, leader_epoch, start_offset = _UPDATE.unpack(fields.raw(_UPDATE.size))
    return StoredUpdate(snapshot_epoch, leader_epoch, start_offset, *_decode_rest(fields))


def _decode_rest(fields: FieldReader) -> tuple[Batches, int]:
    batches = tuple(read_array(fields, _decode_batch))
    tag = fields.tags().get(0)
    return batches, UNKNOWN_COMPLETE_COUNT if tag is None else to_integer(tag)


def _decode_batch(fields: FieldReader) -> StateBatch:
    batch = StateBatch(*_BATCH.unpack(fields.raw(_BATCH.size)))
    fields.tags()
    return batch
