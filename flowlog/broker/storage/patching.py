"""What the broker changes in a batch before it stores it: offset, epoch, and append time if asked.

Base offset and leader epoch lie outside the checksum. They are written into the buffer that the
request arrived in where that can be written to; otherwise a patched copy of the header goes before
the rest, and the records are not copied either.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from flowlog.broker.storage.files import Buffer
from flowlog.records.batch import (
    ATTRIBUTES_POSITION,
    LEADER_EPOCH_POSITION,
    LOG_APPEND_TIME_BIT,
    MAX_TIMESTAMP_POSITION,
    RecordBatchView,
)
from flowlog.records.builder import seal

JOINED_BYTES_MAX: Final = 4096  # below it one copy costs less than a write of two buffers

_START: Final = Struct(">qii")  # base offset, batch length, leader epoch
_OFFSET: Final = Struct(">q")
_EPOCH: Final = Struct(">i")
_ATTRIBUTES: Final = Struct(">h")


def assign_offset(
    batch: RecordBatchView, *, base_offset: int, leader_epoch: int
) -> tuple[Buffer, ...]:
    """The buffers to write for `batch`, which must be alone in its buffer."""
    buffer = batch.buffer
    if isinstance(buffer, bytes) or (isinstance(buffer, memoryview) and buffer.readonly):
        start = _START.pack(base_offset, batch.batch_length, leader_epoch)
        rest = memoryview(buffer)[_START.size :]
        return (start + rest,) if len(rest) < JOINED_BYTES_MAX else (start, rest)
    _OFFSET.pack_into(buffer, 0, base_offset)
    _EPOCH.pack_into(buffer, LEADER_EPOCH_POSITION, leader_epoch)
    return (buffer,)


def with_append_time(batch: RecordBatchView, now_ms: int) -> RecordBatchView:
    """The batch with the broker's time in place of the records' own, and a checksum to match."""
    encoded = bytearray(batch.encoded)
    _ATTRIBUTES.pack_into(encoded, ATTRIBUTES_POSITION, batch.attributes | LOG_APPEND_TIME_BIT)
    _OFFSET.pack_into(encoded, MAX_TIMESTAMP_POSITION, now_ms)
    seal(encoded)
    return RecordBatchView(encoded)
