"""What a broker checks of a batch that a client sends: all of it stands in the header.

Records are not decoded: batches are stored as opaque bytes. What only decoding can show (a missing
key on a compacted topic) is checked elsewhere.

Source: ProduceRequest.validateRecords and LogValidator in apache/kafka.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError
from flowlog.records.batch import (
    BATCH_LENGTH_MIN,
    CODEC_MASK,
    CONTROL_BIT,
    LENGTH_PREFIX_BYTES,
    MAGIC,
    NO_TIMESTAMP,
    TRANSACTIONAL_BIT,
    Codec,
    RecordBatchView,
)
from flowlog.records.errors import CorruptBatchError

UNLIMITED_MS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What a topic allows; the defaults are Kafka's."""

    max_message_bytes: int = 1_048_588
    timestamp_before_max_ms: int = UNLIMITED_MS
    timestamp_after_max_ms: int = 3_600_000
    checks_timestamps: bool = True
    """False for topics that take the append time instead."""


def validate_batch(
    view: RecordBatchView, limits: BatchLimits, *, now_ms: int, zstd_allowed: bool = True
) -> None:
    """Check the one batch of a produce partition; `view` must start its buffer.

    Raises:
        KafkaError: CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP or
            UNSUPPORTED_COMPRESSION_TYPE, as Kafka answers them.
    """
    _validate_extent(view, limits)
    attributes = view.attributes
    if attributes & CODEC_MASK >= Codec.ZSTD:
        _validate_codec(attributes & CODEC_MASK, zstd_allowed)
    if view.record_count <= 0 or view.last_offset_delta != view.record_count - 1:
        raise _invalid(
            f"record count {view.record_count} with last offset delta {view.last_offset_delta}"
        )
    if attributes & CONTROL_BIT:
        raise _invalid("clients are not allowed to write control records")
    if view.producer_id >= 0:
        if view.base_sequence < 0 or view.producer_epoch < 0:
            raise _invalid("a producer id without sequence number or epoch")
    elif attributes & TRANSACTIONAL_BIT:
        raise _invalid("a transactional batch without producer id")
    if view.base_offset != 0:
        raise _invalid(f"base offset is {view.base_offset} and should be 0")
    if limits.checks_timestamps:
        _validate_timestamps(view, limits, now_ms)
    try:
        view.check_crc()
    except CorruptBatchError as error:
        raise KafkaError(ErrorCode.corrupt_message, str(error)) from None


def _validate_extent(view: RecordBatchView, limits: BatchLimits) -> None:
    """The buffer holds exactly one batch, in the one format, and not too large a one."""
    if view.magic != MAGIC:
        raise _invalid(f"record format {view.magic} is not {MAGIC}")
    if view.batch_length < BATCH_LENGTH_MIN:
        raise KafkaError(
            ErrorCode.corrupt_message, f"batch length {view.batch_length} is less than a header"
        )
    size_bytes = view.batch_length + LENGTH_PREFIX_BYTES
    there = len(view.buffer) - view.position
    if size_bytes > there:
        raise _invalid("no whole batch: it is cut short")
    if size_bytes < there:
        raise _invalid("a produce request holds exactly one batch per partition")
    if size_bytes > limits.max_message_bytes:
        raise KafkaError(
            ErrorCode.message_too_large,
            f"the batch has {size_bytes} bytes, max.message.bytes is {limits.max_message_bytes}",
        )


def _validate_codec(codec: int, zstd_allowed: bool) -> None:
    if codec > Codec.ZSTD:
        raise KafkaError(ErrorCode.unsupported_compression_type, f"codec {codec} is unknown")
    if not zstd_allowed:
        raise KafkaError(
            ErrorCode.unsupported_compression_type, "zstd needs Produce version 7 or later"
        )


def _validate_timestamps(view: RecordBatchView, limits: BatchLimits, now_ms: int) -> None:
    """Hold the largest and the first record's timestamp, as the header claims them, to the bounds."""
    if view.max_timestamp_ms > now_ms + limits.timestamp_after_max_ms:
        raise KafkaError(
            ErrorCode.invalid_timestamp,
            f"timestamp {view.max_timestamp_ms} is more than "
            f"{limits.timestamp_after_max_ms} ms ahead of the broker's clock",
        )
    if (
        view.base_timestamp_ms != NO_TIMESTAMP
        and now_ms - view.base_timestamp_ms > limits.timestamp_before_max_ms
    ):
        raise KafkaError(
            ErrorCode.invalid_timestamp,
            f"timestamp {view.base_timestamp_ms} is more than "
            f"{limits.timestamp_before_max_ms} ms behind the broker's clock",
        )


def _invalid(message: str) -> KafkaError:
    return KafkaError(ErrorCode.invalid_record, message)
