"""A classic group in Kafka's bytes.

    key    version i16 (2) | group string
    value  version i16 (3) | protocol type string | generation i32 | protocol string?
           | leader string? | state time i64 | member count i32 | members
    member id string | instance id string? | client id string | client host string
           | rebalance timeout i32 | session timeout i32 | subscription bytes | assignment bytes

Version 1 brought the rebalance timeout, 2 the state time, 3 the instance id, 4 flexible fields.
Source: GroupMetadataKey.json and GroupMetadataValue.json in apache/kafka, group-coordinator.
"""

from __future__ import annotations

import struct
from typing import Final

from ..record_fields import FieldReader, nullable_string, sized_bytes, string
from ..record_types import UNKNOWN_MS, StoredGroup, StoredMember

KEY_VERSION: Final = 2
NEWEST_VALUE_VERSION: Final = 4

_INT64: Final = struct.Struct(">q")
_INT32: Final = struct.Struct(">i")
_TIMEOUTS: Final = struct.Struct(">ii")


def encode_key(group_id: str) -> bytes:
    return b"\x00\x02" + string(group_id)


def encode_value(group: StoredGroup) -> bytes:
    """Version 3, as Kafka 4.3 does."""
    parts = [
        b"\x00\x03",
        string(group.protocol_type),
        _INT32.pack(group.generation_id),
        nullable_string(group.protocol_name),
        nullable_string(group.leader_id),
        _INT64.pack(group.state_timestamp_ms),
        _INT32.pack(len(group.members)),
    ]
    parts.extend(map(_encode_member, group.members))
    return b"".join(parts)


def _encode_member(member: StoredMember) -> bytes:
    return b"".join(
        (
            string(member.member_id),
            nullable_string(member.group_instance_id),
            string(member.client_id),
            string(member.client_host),
            _TIMEOUTS.pack(member.rebalance_timeout_ms, member.session_timeout_ms),
            sized_bytes(member.subscription),
            sized_bytes(member.assignment),
        )
    )


def decode_value(data: bytes) -> StoredGroup:
    """Raises `ValueError` for bytes that are no group value of version 0 to 4."""
    fields = FieldReader(data)
    version = fields.int16()
    if not 0 <= version <= NEWEST_VALUE_VERSION:
        raise ValueError(f"a group value of version {version}")
    compact = version >= 4
    return StoredGroup(
        protocol_type=fields.string(compact=compact),
        generation_id=fields.int32(),
        protocol_name=fields.nullable_string(compact=compact),
        leader_id=fields.nullable_string(compact=compact),
        state_timestamp_ms=fields.int64() if version >= 2 else UNKNOWN_MS,
        members=tuple(
            _decode_member(fields, version) for _ in range(fields.array_count(compact=compact))
        ),
    )


def _decode_member(fields: FieldReader, version: int) -> StoredMember:
    compact = version >= 4
    member_id = fields.string(compact=compact)
    instance_id = fields.nullable_string(compact=compact) if version >= 3 else None
    client_id = fields.string(compact=compact)
    client_host = fields.string(compact=compact)
    rebalance_timeout_ms = fields.int32() if version >= 1 else -1
    session_timeout_ms = fields.int32()
    member = StoredMember(
        member_id=member_id,
        group_instance_id=instance_id,
        client_id=client_id,
        client_host=client_host,
        rebalance_timeout_ms=session_timeout_ms
        if rebalance_timeout_ms == -1
        else rebalance_timeout_ms,
        session_timeout_ms=session_timeout_ms,
        subscription=fields.sized_bytes(compact=compact),
        assignment=fields.sized_bytes(compact=compact),
    )
    if compact:
        fields.tags()
    return member
