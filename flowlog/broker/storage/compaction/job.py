"""What one cleaning of one log is to do, and what comes of it: plain data, sent as JSON lines."""

from __future__ import annotations

from typing import Final

import msgspec

LEAST_KEYS: Final = 1
ENTRY_BYTES: Final = 160
"""What one key takes in the offset map: the bytes object, the number and their place in a dict."""


class SegmentInput(msgspec.Struct, frozen=True):
    """A sealed and flushed segment; offsets below `next_offset` are its own."""

    base_offset: int
    next_offset: int
    size_bytes: int


class CleaningJob(msgspec.Struct, frozen=True):
    """One cleaning of one log, from its first segment to the end of the dirty range.

    Attributes:
        first_dirty_offset: below it earlier cleanings have been.
        first_uncleanable_offset: exclusive end of the dirty range.
        aborted: producer id, first and last offset (the marker's) of each aborted transaction.
        last_offsets: of each producer that may still write, its last record's offset.
        markers_only: producer id and epoch of those that may still write and whose epoch is known
            from markers alone.
        bytes_per_second: of reading and writing together; 0 is unlimited.
    """

    directory: str
    segments: tuple[SegmentInput, ...]
    first_dirty_offset: int
    first_uncleanable_offset: int
    now_ms: int
    delete_retention_ms: int
    segment_bytes: int
    segment_index_bytes: int
    index_interval_bytes: int
    max_decompressed_bytes: int
    map_bytes: int
    aborted: tuple[tuple[int, int, int, int], ...] = ()
    last_offsets: frozenset[int] = frozenset()
    markers_only: frozenset[tuple[int, int]] = frozenset()
    bytes_per_second: int = 0

    @property
    def keys_max(self) -> int:
        """How many keys the offset map may hold."""
        return max(LEAST_KEYS, self.map_bytes // ENTRY_BYTES)


class CleanedGroup(msgspec.Struct, frozen=True):
    """Segments that became one: its `.cleaned` files are on the disk and wait for the swap."""

    replaced: tuple[int, ...]
    """Base offsets; the first is the new segment's."""
    size_bytes: int
    size_before_bytes: int
    aborted_count: int
    cleaned_end_offset: int
    """Up to here (exclusive) each key has one value, once this group is swapped in."""
