"""The records of `__consumer_offsets` that classic groups need, to and from Kafka's own bytes.

A key starts with its kind: 0 and 1 are a committed offset, 2 is a classic group. We write the
versions that Kafka 4.3 writes and read all that it reads.
"""

from __future__ import annotations

from flowlog.broker.coordinator.commit_log import CoordinatorRecord

from . import offset_format
from .classic import group_format
from .record_fields import FieldReader
from .record_types import GroupRecord, GroupsRecord, OffsetRecord


def encode(record: GroupsRecord) -> CoordinatorRecord:
    """Raises `ValueError` for a name that is too long for its length field."""
    if isinstance(record, OffsetRecord):
        key = offset_format.encode_key(record.group_id, record.topic, record.partition)
        committed = record.committed
        return CoordinatorRecord(
            key, None if committed is None else offset_format.encode_value(committed)
        )
    stored = record.stored
    return CoordinatorRecord(
        group_format.encode_key(record.group_id),
        None if stored is None else group_format.encode_value(stored),
    )


def decode(record: CoordinatorRecord) -> GroupsRecord | None:
    """The record; None for a kind that is not about classic groups.

    Raises:
        ValueError: the bytes are not what their version says.
    """
    fields = FieldReader(record.key)
    kind = fields.int16()
    value = record.value
    if kind in offset_format.KEY_VERSIONS:
        group_id, topic, partition = offset_format.decode_key(fields)
        committed = None if value is None else offset_format.decode_value(value)
        return OffsetRecord(group_id, topic, partition, committed)
    if kind == group_format.KEY_VERSION:
        stored = None if value is None else group_format.decode_value(value)
        return GroupRecord(fields.string(), stored)
    return None
