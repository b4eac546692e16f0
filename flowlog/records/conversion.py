"""What a topic may ask of a batch beyond its header: another codec, a key in each record.

Both look inside the batch, which the broker otherwise never does; only topics with
`compression.type` other than `producer`, or compacted ones, pay for it.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError
from flowlog.records.batch import (
    ATTRIBUTES_POSITION,
    CODEC_MASK,
    HEADER_BYTES,
    LENGTH_PREFIX_BYTES,
    Codec,
    RecordBatchView,
)
from flowlog.records.builder import seal
from flowlog.records.compression import compress, decompress
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError
from flowlog.records.record import iter_records

LENGTH_POSITION: Final = 8
_INT16: Final = Struct(">h")
_INT32: Final = Struct(">i")


def recompressed(
    batch: RecordBatchView, codec: Codec, *, max_decompressed_bytes: int
) -> RecordBatchView:
    """The batch with its records compressed by `codec`; itself if they are already.

    Raises:
        KafkaError: CORRUPT_MESSAGE, or MESSAGE_TOO_LARGE for what expands beyond the bound.
    """
    if batch.codec is codec:
        return batch
    try:
        records = decompress(batch.codec, batch.records_blob, max_bytes=max_decompressed_bytes)
    except (CorruptBatchError, DecompressedTooLargeError) as error:
        raise _refused(error) from None
    encoded = bytearray(batch.encoded[:HEADER_BYTES])
    encoded += compress(codec, records)
    _INT32.pack_into(encoded, LENGTH_POSITION, len(encoded) - LENGTH_PREFIX_BYTES)
    _INT16.pack_into(encoded, ATTRIBUTES_POSITION, batch.attributes & ~CODEC_MASK | codec)
    seal(encoded)
    return RecordBatchView(encoded)


def require_keys(batch: RecordBatchView, *, max_decompressed_bytes: int) -> None:
    """Refuse a batch with a record that compaction could never match to another.

    Raises:
        KafkaError: INVALID_RECORD, or as `recompressed`.
    """
    try:
        for record in iter_records(batch, max_decompressed_bytes=max_decompressed_bytes):
            if record.key is None:
                raise KafkaError(
                    ErrorCode.invalid_record, "a record without key cannot go to a compacted topic"
                )
    except (CorruptBatchError, DecompressedTooLargeError) as error:
        raise _refused(error) from None


def _refused(error: CorruptBatchError | DecompressedTooLargeError) -> KafkaError:
    if isinstance(error, DecompressedTooLargeError):
        return KafkaError(ErrorCode.message_too_large, str(error))
    return KafkaError(ErrorCode.corrupt_message, str(error))
