"""`<offset>.snapshot`: the producers of a partition as of that offset, in Kafka's format.

    version i16 = 1   crc u32 (CRC-32C of what follows)   entry count i32, then per entry 46 bytes:
    producer id i64   epoch i16   last sequence i32   last offset i64   offset delta i32
    timestamp i64     coordinator epoch i32           first offset of the open transaction i64

Kafka writes one entry a producer, with its last batch. flowlog writes an entry for each of the
batches that it remembers, oldest first: Kafka's reader keeps the last, ours all of them, so that a
retry of any of the five is still recognised after a restart.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from crc32c import crc32c

from flowlog.broker.storage.producer_state import CachedBatch, ProducerEntry, ProducerStateTable
from flowlog.errors import FlowlogError
from flowlog.records.batch import NO_SEQUENCE, SEQUENCE_MAX

VERSION: Final = 1
HEADER: Final = Struct(">hIi")
CRC_END: Final = 6
ENTRY: Final = Struct(">qhiqiqiq")
_NO_BATCH: Final = CachedBatch(NO_SEQUENCE, NO_SEQUENCE, -1, 0, -1)
"""What stands for the batches of a producer that only a marker is known of."""


class CorruptSnapshotError(FlowlogError):
    """A snapshot that cannot be trusted; an older one and the log stand in for it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="CORRUPT_SNAPSHOT")


def encode_snapshot(table: ProducerStateTable) -> bytes:
    rows = [
        ENTRY.pack(
            entry.producer_id,
            entry.epoch,
            batch.last_sequence,
            batch.last_offset,
            batch.offset_delta,
            entry.last_timestamp_ms if batch is _NO_BATCH else batch.timestamp_ms,
            entry.coordinator_epoch,
            entry.transaction_first_offset,
        )
        for entry in table
        for batch in entry.batches or (_NO_BATCH,)
    ]
    data = bytearray(HEADER.pack(VERSION, 0, len(rows)) + b"".join(rows))
    data[2:CRC_END] = crc32c(memoryview(data)[CRC_END:]).to_bytes(4, "big")
    return bytes(data)


def decode_snapshot(data: bytes, *, now_ms: int) -> ProducerStateTable:
    """Read a snapshot; its producers count as used at `now_ms`.

    Raises:
        CorruptSnapshotError: version, checksum or length are wrong.
    """
    if len(data) < HEADER.size:
        raise CorruptSnapshotError("a snapshot shorter than its header")
    version, crc, count = HEADER.unpack_from(data)
    if version != VERSION:
        raise CorruptSnapshotError(f"snapshot version {version} is unknown")
    if crc32c(memoryview(data)[CRC_END:]) != crc:
        raise CorruptSnapshotError("a snapshot's checksum differs")
    if count < 0 or len(data) != HEADER.size + count * ENTRY.size:
        raise CorruptSnapshotError(f"{count} entries do not make {len(data)} bytes")
    table = ProducerStateTable()
    for row in ENTRY.iter_unpack(memoryview(data)[HEADER.size :]):
        _add_row(table, *row, now_ms=now_ms)
    return table


def _add_row(
    table: ProducerStateTable,
    producer_id: int,
    epoch: int,
    last_sequence: int,
    last_offset: int,
    offset_delta: int,
    timestamp_ms: int,
    coordinator_epoch: int,
    transaction_first_offset: int,
    *,
    now_ms: int,
) -> None:
    entry = table.get(producer_id)
    if entry is None or entry.epoch != epoch:
        entry = ProducerEntry(producer_id, epoch)
    entry.coordinator_epoch = coordinator_epoch
    entry.transaction_first_offset = transaction_first_offset
    entry.last_timestamp_ms = timestamp_ms
    entry.last_used_ms = now_ms
    if last_offset >= 0:
        is_counted = last_sequence != NO_SEQUENCE
        base_sequence = (last_sequence - offset_delta) & SEQUENCE_MAX if is_counted else NO_SEQUENCE
        entry.batches.append(
            CachedBatch(base_sequence, last_sequence, last_offset, offset_delta, timestamp_ms)
        )
    table.put(entry)
