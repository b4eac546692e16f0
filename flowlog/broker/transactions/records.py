"""The records of `__transaction_state`, to and from Kafka's own bytes.

    key      version i16 (0) | transactional id string
    value 0  version i16 | producer id i64 | epoch i16 | timeout ms i32 | state i8
             | partitions: count i32, each topic string, count i32, partition i32 ...
             | last update ms i64 | start ms i64
    value 1  the same in compact form, then tags: 0 previous producer id i64, 1 next producer id
             i64, 2 the client's transaction version i16; each only if it is not the default

The partitions are null in the state Empty. Version 1 came with the transaction.version feature.
Source: TransactionLogKey.json, TransactionLogValue.json, TransactionLog in apache/kafka.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from flowlog.broker.coordinator.commit_log import CoordinatorRecord
from flowlog.broker.coordinator.record_fields import FieldReader, compact_string, string, uvarint

from .states import TransactionState
from .transaction import NO_PRODUCER_ID, TopicPartition, Transaction

KEY_VERSION: Final = 0
NEWEST_VALUE_VERSION: Final = 1  # the first flexible one

_HEAD: Final = struct.Struct(">hqhib")
_TIMES: Final = struct.Struct(">qq")
_INT64: Final = struct.Struct(">q")
_INT32: Final = struct.Struct(">i")
_INT16: Final = struct.Struct(">h")
_PREVIOUS_ID, _NEXT_ID, _CLIENT_VERSION = 0, 1, 2


class TransactionRecord(NamedTuple):
    """A transactional id as it is from now on; None: it has expired."""

    transactional_id: str
    transaction: Transaction | None


def encode(record: TransactionRecord, value_version: int) -> CoordinatorRecord:
    """Raises `ValueError` for a name that is too long for its length field."""
    key = _INT16.pack(KEY_VERSION) + string(record.transactional_id)
    transaction = record.transaction
    return CoordinatorRecord(
        key, None if transaction is None else encode_value(transaction, value_version)
    )


def encode_value(transaction: Transaction, version: int) -> bytes:
    head = _HEAD.pack(
        version,
        transaction.producer_id,
        transaction.producer_epoch,
        transaction.timeout_ms,
        transaction.state,
    )
    times = _TIMES.pack(transaction.updated_ms, transaction.started_ms)
    partitions = _encode_partitions(transaction, is_compact=version >= 1)
    tags = _encode_tags(transaction) if version >= 1 else b""
    return head + partitions + times + tags


def _encode_partitions(transaction: Transaction, *, is_compact: bool) -> bytes:
    count, name = (_compact_count, compact_string) if is_compact else (_INT32.pack, string)
    if transaction.state is TransactionState.EMPTY:
        assert not transaction.partitions, transaction
        return b"\0" if is_compact else count(-1)
    topics = _by_topic(transaction.partitions)
    encoded = bytearray(count(len(topics)))
    for topic, indexes in topics.items():
        encoded += name(topic) + count(len(indexes))
        encoded += b"".join(_INT32.pack(index) for index in indexes)
        if is_compact:
            encoded += b"\0"  # no tags
    return bytes(encoded)


def _compact_count(count: int) -> bytes:
    return uvarint(count + 1)


def _by_topic(partitions: Iterable[TopicPartition]) -> Mapping[str, list[int]]:
    topics: dict[str, list[int]] = {}
    for topic, index in sorted(partitions):
        topics.setdefault(topic, []).append(index)
    return topics


def _encode_tags(transaction: Transaction) -> bytes:
    tags: list[tuple[int, bytes]] = []
    if transaction.previous_producer_id != NO_PRODUCER_ID:
        tags.append((_PREVIOUS_ID, _INT64.pack(transaction.previous_producer_id)))
    if transaction.next_producer_id != NO_PRODUCER_ID:
        tags.append((_NEXT_ID, _INT64.pack(transaction.next_producer_id)))
    if transaction.client_version:
        tags.append((_CLIENT_VERSION, _INT16.pack(transaction.client_version)))
    rows = (uvarint(tag) + uvarint(len(value)) + value for tag, value in tags)
    return uvarint(len(tags)) + b"".join(rows)


def decode(record: CoordinatorRecord) -> TransactionRecord | None:
    """The record; None for a kind that we do not know.

    Raises:
        ValueError: the bytes are not what their version says.
    """
    key = FieldReader(record.key)
    if key.int16() != KEY_VERSION:
        return None
    value = record.value
    return TransactionRecord(key.string(), None if value is None else decode_value(value))


def decode_value(data: bytes) -> Transaction:
    """Raises `ValueError` for bytes that are no value of version 0 or 1."""
    fields = FieldReader(data)
    version = fields.int16()
    if not 0 <= version <= NEWEST_VALUE_VERSION:
        raise ValueError(f"a transaction of version {version}")
    producer_id, epoch, timeout_ms = fields.int64(), fields.int16(), fields.int32()
    state = TransactionState(fields.int8())
    partitions = _decode_partitions(fields, is_compact=version >= 1)
    updated_ms, started_ms = fields.int64(), fields.int64()
    tags = fields.tags() if version >= 1 else {}
    return Transaction(
        producer_id,
        epoch,
        timeout_ms,
        state,
        updated_ms,
        started_ms,
        partitions,
        previous_producer_id=_tag(tags, _PREVIOUS_ID, _INT64, NO_PRODUCER_ID),
        next_producer_id=_tag(tags, _NEXT_ID, _INT64, NO_PRODUCER_ID),
        client_version=_tag(tags, _CLIENT_VERSION, _INT16, 0),
    )


def _decode_partitions(fields: FieldReader, *, is_compact: bool) -> frozenset[TopicPartition]:
    count: Callable[[], int] = lambda: (  # noqa: E731
        fields.uvarint() - 1 if is_compact else fields.int32()
    )
    partitions: set[TopicPartition] = set()
    for _ in range(count()):
        topic = fields.string(compact=is_compact)
        partitions.update((topic, fields.int32()) for _ in range(count()))
        if is_compact:
            fields.tags()
    return frozenset(partitions)


def _tag(tags: Mapping[int, bytes], tag: int, layout: struct.Struct, default: int) -> int:
    data = tags.get(tag)
    if data is None:
        return default
    if len(data) != layout.size:
        raise ValueError(f"tag {tag} has {len(data)} bytes, not {layout.size}")
    value: int = layout.unpack(data)[0]
    return value
