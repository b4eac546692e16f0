"""The records of `__consumer_offsets`, to and from Kafka's own bytes.

A key starts with its kind: 0 and 1 are a committed offset, 2 a classic group, 3 and above the
parts of the newer kinds of groups. We write the versions that Kafka 4.3 writes and read all that
it reads. Offsets may be written within a producer's transaction, which a marker ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from flowlog.broker.coordinator.commit_log import CoordinatorMarker, CoordinatorRecord, LogEntry

from . import offset_format
from .classic import group_format
from .consumer import codecs as consumer_codecs
from .record_fields import FieldReader
from .record_types import (
    GroupRecord,
    GroupsRecord,
    OffsetRecord,
    TransactionalOffset,
    TransactionEnd,
)
from .share import codecs as share_codecs


class Codec(NamedTuple):
    """One type of record.

    `decode` is given the key behind its kind, and the value (None: a tombstone); it raises
    `ValueError` for bytes that are not what their version says.
    """

    record_type: type
    kinds: tuple[int, ...]
    encode: Callable[[Any], CoordinatorRecord]
    decode: Callable[[FieldReader, bytes | None], GroupsRecord]


def _encode_offset(record: OffsetRecord) -> CoordinatorRecord:
    key = offset_format.encode_key(record.group_id, record.topic, record.partition)
    committed = record.committed
    return CoordinatorRecord(
        key, None if committed is None else offset_format.encode_value(committed)
    )


def _decode_offset(key: FieldReader, value: bytes | None) -> OffsetRecord:
    group_id, topic, partition = offset_format.decode_key(key)
    committed = None if value is None else offset_format.decode_value(value)
    return OffsetRecord(group_id, topic, partition, committed)


def _encode_group(record: GroupRecord) -> CoordinatorRecord:
    stored = record.stored
    return CoordinatorRecord(
        group_format.encode_key(record.group_id),
        None if stored is None else group_format.encode_value(stored),
    )


def _decode_group(key: FieldReader, value: bytes | None) -> GroupRecord:
    group_id = key.string()
    return GroupRecord(group_id, None if value is None else group_format.decode_value(value))


CODECS: Final = (
    Codec(OffsetRecord, offset_format.KEY_VERSIONS, _encode_offset, _decode_offset),
    Codec(GroupRecord, (group_format.KEY_VERSION,), _encode_group, _decode_group),
    *(
        Codec(f.record_type, (f.kind,), f.encode, f.decode)
        for f in (*consumer_codecs.FORMATS, *share_codecs.FORMATS)
    ),
)
_BY_TYPE: Final[Mapping[type, Codec]] = {codec.record_type: codec for codec in CODECS}
_BY_KIND: Final[Mapping[int, Codec]] = {kind: codec for codec in CODECS for kind in codec.kinds}


def encode(record: GroupsRecord) -> LogEntry:
    """Raises `ValueError` for a name that is too long for its length field."""
    if isinstance(record, TransactionalOffset):
        return _encode_offset(record.offset)._replace(producer=record.producer)
    if isinstance(record, TransactionEnd):
        return record.marker
    return _BY_TYPE[type(record)].encode(record)


def decode(entry: LogEntry) -> GroupsRecord | None:
    """The record; None for a kind that we do not know.

    Raises:
        ValueError: the bytes are not what their version says.
    """
    if isinstance(entry, CoordinatorMarker):
        return TransactionEnd(entry)
    fields = FieldReader(entry.key)
    codec = _BY_KIND.get(fields.int16())
    if codec is None:
        return None
    record = codec.decode(fields, entry.value)
    if entry.producer is not None and entry.value is not None and isinstance(record, OffsetRecord):
        return TransactionalOffset(entry.producer, record)
    return record
