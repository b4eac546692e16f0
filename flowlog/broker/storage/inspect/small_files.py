"""The small files beside the segments: snapshots, checkpoints, `partition.metadata`.

Text files carry no checksum. What can be held against them is that they are exactly what flowlog
(or Kafka) would write for what they say, and that it fits the log.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from crc32c import crc32c

from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    PartitionMetadata,
    decode_epochs,
    decode_partition_metadata,
    encode_epochs,
    encode_partition_metadata,
)
from flowlog.broker.storage.inspect.findings import Finding
from flowlog.broker.storage.producer_snapshot import CRC_END, ENTRY, HEADER, VERSION

TRANSACTION_ENTRY: Final = Struct(">hqqqq")


class SnapshotEntry(NamedTuple):
    """A row of a producer snapshot."""

    at: int
    producer_id: int
    producer_epoch: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int
    coordinator_epoch: int
    transaction_first_offset: int


class AbortedEntry(NamedTuple):
    """A row of a `.txnindex` file: a transaction that was aborted. Offsets are inclusive."""

    at: int
    version: int
    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


def snapshot_entries(data: bytes) -> list[SnapshotEntry]:
    """The whole rows of a producer snapshot, whatever its checksum says."""
    rows = memoryview(data)[HEADER.size :]
    whole = rows[: len(rows) - len(rows) % ENTRY.size]
    return [
        SnapshotEntry(HEADER.size + i * ENTRY.size, *row)
        for i, row in enumerate(ENTRY.iter_unpack(whole))
    ]


def aborted_entries(data: bytes) -> list[AbortedEntry]:
    """The whole rows of a `.txnindex` file."""
    whole = memoryview(data)[: len(data) - len(data) % TRANSACTION_ENTRY.size]
    return [
        AbortedEntry(i * TRANSACTION_ENTRY.size, *row)
        for i, row in enumerate(TRANSACTION_ENTRY.iter_unpack(whole))
    ]


def check_snapshot(path: str, data: bytes, *, end_offset: int) -> Iterator[Finding]:
    """A producer snapshot as of `end_offset`: whole, and about batches before it."""
    if len(data) < HEADER.size:
        yield Finding(path, 0, f"{len(data)} bytes are less than a snapshot's header")
        return
    version, crc, count = HEADER.unpack_from(data)
    if version != VERSION:
        yield Finding(path, 0, f"snapshot version {version} is not {VERSION}")
    if crc32c(memoryview(data)[CRC_END:]) != crc:
        yield Finding(path, 2, "checksum differs")
        return
    if count < 0 or len(data) != HEADER.size + count * ENTRY.size:
        yield Finding(path, CRC_END, f"{count} entries do not make {len(data)} bytes")
    for entry in snapshot_entries(data):
        newest = max(entry.last_offset, entry.transaction_first_offset)
        if newest >= end_offset:
            what = f"producer {entry.producer_id} wrote offset {newest}, behind the snapshot's own"
            yield Finding(path, entry.at, what)


def check_aborted(path: str, data: bytes, *, base_offset: int) -> Iterator[Finding]:
    """A `.txnindex` file: whole rows of version 0 whose last offsets ascend."""
    last_offset = base_offset - 1
    for entry in aborted_entries(data):
        if entry.version != 0:
            yield Finding(path, entry.at, f"aborted transaction of version {entry.version}")
        elif not entry.first_offset <= entry.last_offset or entry.last_offset <= last_offset:
            what = (
                f"aborted transaction {entry.first_offset} to {entry.last_offset} is out of order"
            )
            yield Finding(path, entry.at, what)
        last_offset = entry.last_offset
    odd_bytes = len(data) % TRANSACTION_ENTRY.size
    if odd_bytes:
        yield Finding(path, len(data) - odd_bytes, f"{odd_bytes} bytes are no whole entry")


def check_epochs(path: str, data: bytes) -> tuple[list[tuple[int, int]] | None, list[Finding]]:
    """The entries of a leader epoch checkpoint (None if there are no readable ones), and findings."""
    try:
        entries = decode_epochs(data)
    except CorruptCheckpointError as error:
        return None, [Finding(path, None, str(error))]
    return entries, list(check_spelling(path, data, encode_epochs(entries)))


def check_partition_metadata(
    path: str, data: bytes
) -> tuple[PartitionMetadata | None, list[Finding]]:
    """Whose log it is (None if it does not say), and findings."""
    try:
        metadata = decode_partition_metadata(data)
    except CorruptCheckpointError:
        is_kafkas = data.startswith(b"version: 0\ntopic_id: ") and data.count(b"\n") in (1, 2)
        return None, [] if is_kafkas else [Finding(path, None, "is not whole")]
    return metadata, list(check_spelling(path, data, encode_partition_metadata(metadata)))


def check_spelling(path: str, data: bytes, expected: bytes) -> Iterator[Finding]:
    """A text file has exactly the bytes that would be written for its content."""
    if data == expected:
        return
    pairs = enumerate(zip(data, expected, strict=False))
    at = next((i for i, (there, wanted) in pairs if there != wanted), min(len(data), len(expected)))
    yield Finding(path, at, "is not spelt as it would be written")
