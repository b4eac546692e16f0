"""Build a record batch from records: for coordinators, markers, compaction and tests."""

from __future__ import annotations

from collections.abc import Sequence

from crc32c import crc32c

from flowlog.records.batch import (
    ATTRIBUTES_POSITION,
    CONTROL_BIT,
    CRC_POSITION,
    HEADER,
    HEADER_BYTES,
    LENGTH_PREFIX_BYTES,
    LOG_APPEND_TIME_BIT,
    MAGIC,
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    TRANSACTIONAL_BIT,
    Codec,
)
from flowlog.records.compression import compress
from flowlog.records.record import Record
from flowlog.records.varint import append_varint


def build_batch(
    records: Sequence[Record],
    *,
    base_offset: int = 0,
    codec: Codec = Codec.NONE,
    leader_epoch: int = -1,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    is_transactional: bool = False,
    is_control: bool = False,
    is_log_append_time: bool = False,
) -> bytes:
    """Encode `records`, at least one.

    Offsets are dense from `base_offset`; the records' own `offset` is not read. The first
    record's timestamp is the base, so it is best the smallest, but need not be.
    """
    assert records, "a batch holds at least one record"
    assert base_offset + len(records) < 1 << 63, base_offset
    base_timestamp_ms = records[0].timestamp_ms
    body = bytearray()
    for delta, record in enumerate(records):
        _append_record(body, record, delta, record.timestamp_ms - base_timestamp_ms)
    blob = compress(codec, body)
    attributes = int(codec)
    attributes |= LOG_APPEND_TIME_BIT if is_log_append_time else 0
    attributes |= TRANSACTIONAL_BIT if is_transactional else 0
    attributes |= CONTROL_BIT if is_control else 0
    encoded = bytearray(
        HEADER.pack(
            base_offset,
            HEADER_BYTES + len(blob) - LENGTH_PREFIX_BYTES,
            leader_epoch,
            MAGIC,
            0,
            attributes,
            len(records) - 1,
            base_timestamp_ms,
            max((record.timestamp_ms for record in records), default=NO_TIMESTAMP),
            producer_id,
            producer_epoch,
            base_sequence,
            len(records),
        )
    )
    encoded += blob
    seal(encoded)
    return bytes(encoded)


def seal(encoded: bytearray | memoryview) -> None:
    """Write the checksum of a batch whose other bytes are final."""
    crc = crc32c(memoryview(encoded)[ATTRIBUTES_POSITION:])
    encoded[CRC_POSITION : CRC_POSITION + 4] = crc.to_bytes(4, "big")


def _append_record(out: bytearray, record: Record, offset_delta: int, timestamp_delta: int) -> None:
    body = bytearray(1)  # Attributes of a record: unused, zero.
    append_varint(body, timestamp_delta)
    append_varint(body, offset_delta)
    _append_bytes(body, record.key)
    _append_bytes(body, record.value)
    append_varint(body, len(record.headers))
    for name, value in record.headers:
        _append_bytes(body, name.encode())
        _append_bytes(body, value)
    append_varint(out, len(body))
    out += body


def _append_bytes(out: bytearray, value: bytes | None) -> None:
    if value is None:
        append_varint(out, -1)
    else:
        append_varint(out, len(value))
        out += value
