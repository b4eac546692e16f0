"""Record batch format 2 as bytes: where the fields of its header lie, read without copying.

    offset  0  base_offset        i64     27  base_timestamp   i64
            8  batch_length       i32     35  max_timestamp    i64
           12  leader_epoch       i32     43  producer_id      i64   -1: none
           16  magic              i8      51  producer_epoch   i16
           17  crc                u32     53  base_sequence    i32
           21  attributes         i16     57  record_count     i32
           23  last_offset_delta  i32     61  records, compressed as one blob

All big-endian. `batch_length` counts the bytes behind itself. The checksum (CRC-32C) covers
byte 21 to the end, so a broker patches the first sixteen bytes without touching it. Records are
not decoded here; `record.py` does that for the few who need it.

Source: DefaultRecordBatch in apache/kafka, clients.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from struct import Struct
from typing import Final

from crc32c import crc32c

from flowlog.records.errors import CorruptBatchError

HEADER: Final = Struct(">qiibIhiqqqhii")
HEADER_BYTES: Final = 61
LENGTH_PREFIX_BYTES: Final = 12
"""Base offset and batch length: enough to know where the next batch starts."""
MAGIC: Final = 2
BATCH_LENGTH_MIN: Final = HEADER_BYTES - LENGTH_PREFIX_BYTES

LEADER_EPOCH_POSITION: Final = 12
CRC_POSITION: Final = 17
ATTRIBUTES_POSITION: Final = 21
MAX_TIMESTAMP_POSITION: Final = 35

CODEC_MASK: Final = 0x07
LOG_APPEND_TIME_BIT: Final = 0x08
TRANSACTIONAL_BIT: Final = 0x10
CONTROL_BIT: Final = 0x20
DELETE_HORIZON_BIT: Final = 0x40

NO_TIMESTAMP: Final = -1
NO_PRODUCER_ID: Final = -1
NO_PRODUCER_EPOCH: Final = -1
NO_SEQUENCE: Final = -1
SEQUENCE_MAX: Final = 2**31 - 1

assert HEADER.size == HEADER_BYTES


class Codec(enum.IntEnum):
    """Compression of a batch's records; the number is the one on the wire."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def add_to_sequence(sequence: int, increment: int) -> int:
    """The sequence number `increment` steps on; after 2^31 - 1 comes 0."""
    return (sequence + increment) & SEQUENCE_MAX


class RecordBatchView:
    """The header of the batch that starts at `position` of `buffer`; the bytes stay where they are.

    Reading the header checks nothing but that 61 bytes are there: the fields are the sender's
    claims until `check_whole` and `check_crc` passed.
    """

    __slots__ = (
        "attributes",
        "base_offset",
        "base_sequence",
        "base_timestamp_ms",
        "batch_length",
        "buffer",
        "crc",
        "last_offset_delta",
        "leader_epoch",
        "magic",
        "max_timestamp_ms",
        "position",
        "producer_epoch",
        "producer_id",
        "record_count",
    )

    base_offset: int
    batch_length: int
    leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp_ms: int
    max_timestamp_ms: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    record_count: int

    def __init__(self, buffer: bytes | bytearray | memoryview, position: int = 0) -> None:
        """Raises CorruptBatchError when less than a header is left in the buffer."""
        self.buffer = buffer
        self.position = position
        if len(buffer) - position < HEADER_BYTES:
            raise CorruptBatchError(f"{len(buffer) - position} bytes are no record batch header")
        (
            self.base_offset,
            self.batch_length,
            self.leader_epoch,
            self.magic,
            self.crc,
            self.attributes,
            self.last_offset_delta,
            self.base_timestamp_ms,
            self.max_timestamp_ms,
            self.producer_id,
            self.producer_epoch,
            self.base_sequence,
            self.record_count,
        ) = HEADER.unpack_from(buffer, position)

    @property
    def size_bytes(self) -> int:
        """The whole batch, header included."""
        return self.batch_length + LENGTH_PREFIX_BYTES

    @property
    def last_offset(self) -> int:
        """Inclusive."""
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Of the last record; -1 when the producer sends no sequence numbers."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return add_to_sequence(self.base_sequence, self.last_offset_delta)

    @property
    def codec(self) -> Codec:
        """Raises CorruptBatchError for a number that no codec has."""
        try:
            return Codec(self.attributes & CODEC_MASK)
        except ValueError:
            raise CorruptBatchError(f"codec {self.attributes & CODEC_MASK} is unknown") from None

    @property
    def is_log_append_time(self) -> bool:
        return bool(self.attributes & LOG_APPEND_TIME_BIT)

    @property
    def is_transactional(self) -> bool:
        return bool(self.attributes & TRANSACTIONAL_BIT)

    @property
    def is_control(self) -> bool:
        return bool(self.attributes & CONTROL_BIT)

    @property
    def has_delete_horizon(self) -> bool:
        """Whether `base_timestamp_ms` holds the delete horizon that compaction wrote."""
        return bool(self.attributes & DELETE_HORIZON_BIT)

    @property
    def has_producer_id(self) -> bool:
        return self.producer_id >= 0

    @property
    def encoded(self) -> memoryview:
        """The batch's own bytes; shorter than `size_bytes` if the buffer ends inside the batch."""
        return memoryview(self.buffer)[self.position : self.position + self.size_bytes]

    @property
    def records_blob(self) -> memoryview:
        """The bytes behind the header, compressed as `codec` says."""
        return memoryview(self.buffer)[
            self.position + HEADER_BYTES : self.position + self.size_bytes
        ]

    def check_whole(self) -> None:
        """Raise CorruptBatchError unless length and magic are right and the buffer has it all."""
        if self.magic != MAGIC:
            raise CorruptBatchError(f"record format {self.magic} is not {MAGIC}")
        if self.batch_length < BATCH_LENGTH_MIN:
            raise CorruptBatchError(f"batch length {self.batch_length} is less than a header")
        if len(self.buffer) - self.position < self.size_bytes:
            raise CorruptBatchError("the batch is cut short")
        if self.last_offset_delta < 0 or self.record_count < 0:
            raise CorruptBatchError("negative record count or last offset delta")

    def check_crc(self) -> None:
        """Raise CorruptBatchError when the bytes are not those that the checksum was made of."""
        body = memoryview(self.buffer)[
            self.position + ATTRIBUTES_POSITION : self.position + self.size_bytes
        ]
        if crc32c(body) != self.crc:
            raise CorruptBatchError(f"checksum differs in the batch at offset {self.base_offset}")


def iter_batches(buffer: bytes | bytearray | memoryview) -> Iterator[RecordBatchView]:
    """Walk over the whole batches in `buffer`; a batch cut short at the end is left out.

    Raises:
        CorruptBatchError: a header has another magic or an impossible length.
    """
    position = 0
    end = len(buffer)
    while end - position >= HEADER_BYTES:
        view = RecordBatchView(buffer, position)
        if view.batch_length >= BATCH_LENGTH_MIN and end - position < view.size_bytes:
            return
        view.check_whole()
        yield view
        position += view.size_bytes


def end_offset_of(batches: bytes | bytearray | memoryview) -> int:
    """The offset behind the last of one or more whole batches, read from their headers alone."""
    position, last = 0, 0
    while position < len(batches):
        last = position
        position += LENGTH_PREFIX_BYTES + int.from_bytes(batches[last + 8 : last + 12], "big")
    assert position == len(batches), "whole batches"
    return RecordBatchView(batches, last).next_offset
