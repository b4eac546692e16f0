"""A committed offset in Kafka's bytes.

    key    version i16 (1) | group string | topic string | partition i32
    value  version i16 (4) | offset i64 | leader epoch i32 | metadata compact string
           | commit time i64 | tag count uvarint | tag 0: topic id, 16 bytes
           version 1 has no leader epoch, no tags, and ends with the expiry time i64

Versions 0 to 3 have an ordinary string; 3 brought the leader epoch, 4 flexible fields.

Source: OffsetCommitKey.json and OffsetCommitValue.json in apache/kafka, group-coordinator.
"""

from __future__ import annotations

import struct
from typing import Final
from uuid import UUID

from .record_fields import FieldReader, compact_string, string
from .record_types import UNKNOWN_MS, CommittedOffset

KEY_VERSIONS: Final = (0, 1)
NEWEST_VALUE_VERSION: Final = 4  # the first flexible one

_TOPIC_ID_TAG: Final = 0
_HEAD_V4: Final = struct.Struct(">hqi")
_HEAD_V1: Final = struct.Struct(">hq")
_INT64: Final = struct.Struct(">q")
_INT32: Final = struct.Struct(">i")


def encode_key(group_id: str, topic: str, partition: int) -> bytes:
    return b"\x00\x01" + string(group_id) + string(topic) + _INT32.pack(partition)


def decode_key(fields: FieldReader) -> tuple[str, str, int]:
    """Group, topic and partition; `fields` stands behind the key's version."""
    return fields.string(), fields.string(), fields.int32()


def encode_value(committed: CommittedOffset) -> bytes:
    """Version 4, or version 1 for an offset that brings its own expiry, as Kafka 4.3 does."""
    time = _INT64.pack(committed.commit_timestamp_ms)
    if committed.expire_timestamp_ms != UNKNOWN_MS:
        expiry = _INT64.pack(committed.expire_timestamp_ms)
        return _HEAD_V1.pack(1, committed.offset) + string(committed.metadata) + time + expiry
    head = _HEAD_V4.pack(4, committed.offset, committed.leader_epoch)
    topic_id = committed.topic_id
    tags = b"\0" if topic_id is None else b"\1\0\x10" + topic_id.bytes
    return head + compact_string(committed.metadata) + time + tags


def decode_value(data: bytes) -> CommittedOffset:
    """Raises `ValueError` for bytes that are no offset value of version 0 to 4."""
    fields = FieldReader(data)
    version = fields.int16()
    if not 0 <= version <= NEWEST_VALUE_VERSION:
        raise ValueError(f"an offset value of version {version}")
    return CommittedOffset(
        offset=fields.int64(),
        leader_epoch=fields.int32() if version >= 3 else -1,
        metadata=fields.string(compact=version >= 4),
        commit_timestamp_ms=fields.int64(),
        expire_timestamp_ms=fields.int64() if version == 1 else UNKNOWN_MS,
        topic_id=_topic_id(fields.tags()) if version >= 4 else None,
    )


def _topic_id(tags: dict[int, bytes]) -> UUID | None:
    encoded = tags.get(_TOPIC_ID_TAG)
    return None if encoded is None else UUID(bytes=encoded)
