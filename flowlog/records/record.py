"""One record, and reading the records of a batch.

A record inside a batch: length varint, attributes i8 (unused), timestamp delta varlong, offset
delta varint, then key, value (length varint, -1 for null, and the bytes), header count varint and
headers (key length and key, value length or -1 and value).

Source: DefaultRecord in apache/kafka, clients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from flowlog.records.batch import RecordBatchView
from flowlog.records.compression import decompress
from flowlog.records.errors import CorruptBatchError
from flowlog.records.varint import VARLONG_MAX_BYTES, read_varint

RECORD_BYTES_MIN: Final = 7
"""Length, attributes, two deltas, null key, null value, no headers: a byte each."""

Header = tuple[str, bytes | None]


@dataclass(frozen=True, slots=True)
class Record:
    """A record as an application sees it. `offset` and `timestamp_ms` are absolute, not deltas."""

    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...] = ()
    timestamp_ms: int = -1
    offset: int = -1


def iter_records(batch: RecordBatchView, *, max_decompressed_bytes: int) -> Iterator[Record]:
    """Decode the records of a batch, lowest offset first.

    Args:
        batch: whole, its checksum already verified by whoever took it in.
        max_decompressed_bytes: bound on the memory that the expanded records take.

    Raises:
        CorruptBatchError: what is inside does not add up.
        DecompressedTooLargeError: the records expand to more than allowed.
    """
    if (
        batch.record_count == 0
    ):  # Compaction leaves a bare header where a producer's last batch was.
        return
    blob = decompress(batch.codec, batch.records_blob, max_bytes=max_decompressed_bytes)
    if batch.record_count * RECORD_BYTES_MIN > len(blob):
        raise CorruptBatchError(f"{batch.record_count} records do not fit in {len(blob)} bytes")
    position = 0
    for _ in range(batch.record_count):
        length, start = read_varint(blob, position)
        position = start + length
        if length < RECORD_BYTES_MIN - 1 or position > len(blob):
            raise CorruptBatchError(f"record length {length} does not fit")
        yield _read_record(batch, blob[start:position])
    if position != len(blob):
        raise CorruptBatchError(f"{len(blob) - position} bytes behind the last record")


def _read_record(batch: RecordBatchView, body: bytes | memoryview) -> Record:
    timestamp_delta, position = read_varint(body, 1, max_bytes=VARLONG_MAX_BYTES)
    offset_delta, position = read_varint(body, position)
    key, position = _read_bytes(body, position)
    value, position = _read_bytes(body, position)
    header_count, position = read_varint(body, position)
    if not 0 <= header_count <= len(body) - position:
        raise CorruptBatchError(f"header count {header_count} does not fit")
    headers = []
    for _ in range(header_count):
        name, position = _read_bytes(body, position)
        if name is None:
            raise CorruptBatchError("a header's key is null")
        header_value, position = _read_bytes(body, position)
        headers.append((_decode_name(name), header_value))
    if position != len(body):
        raise CorruptBatchError("a record's parts do not fill it")
    if not 0 <= offset_delta <= batch.last_offset_delta:
        raise CorruptBatchError(f"offset delta {offset_delta} lies outside its batch")
    return Record(
        key,
        value,
        tuple(headers),
        batch.max_timestamp_ms
        if batch.is_log_append_time
        else batch.base_timestamp_ms + timestamp_delta,
        batch.base_offset + offset_delta,
    )


def _read_bytes(body: bytes | memoryview, position: int) -> tuple[bytes | None, int]:
    length, position = read_varint(body, position)
    if length == -1:
        return None, position
    end = position + length
    if length < 0 or end > len(body):
        raise CorruptBatchError(f"length {length} does not fit in its record")
    return bytes(body[position:end]), end


def _decode_name(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise CorruptBatchError("a header's key is not UTF-8") from None
