"""What compaction asks of a partition log: what is dirty, a job for the cleaner, and the swap."""

from __future__ import annotations

import logging
from contextlib import suppress
from itertools import pairwise

from flowlog.broker.storage.compaction.job import CleanedGroup, CleaningJob, SegmentInput
from flowlog.broker.storage.compaction.plan import Dirty, SegmentFacts, find_dirty
from flowlog.broker.storage.log_cutting import LogCutting
from flowlog.broker.storage.log_state import DISK_ERRORS
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_names import (
    CLEANED,
    LOG,
    OFFSET_INDEX,
    SEGMENT_SUFFIXES,
    SWAP,
    TIME_INDEX,
    TRANSACTION_INDEX,
    file_name,
)

logger = logging.getLogger(__name__)


class LogCompaction(LogCutting):
    """How each key's older records leave the log."""

    def find_dirty(self, end_offset: int, now_ms: int) -> Dirty | None:
        """What may be cleaned below `end_offset`, the last stable offset; None for nothing."""
        if self.is_closed or self._health.failure is not None:
            return None
        try:
            facts = [_facts(segment) for segment in self._sealed_segments()]
        except DISK_ERRORS as error:
            raise self.said("look at", error) from error
        return find_dirty(
            facts,
            cleaned_to=self.cleaned_to,
            end_offset=end_offset,
            config=self.config,
            now_ms=now_ms,
        )

    def cleaning_job(
        self, dirty: Dirty, *, now_ms: int, map_bytes: int, bytes_per_second: int
    ) -> CleaningJob:
        """What the cleaner is to do. Everything below the dirty range's end must be flushed, and
        the recovery point be on the disk: recovery takes a gap above it for a loss.
        """
        end_offset = dirty.first_uncleanable_offset
        assert self.recovery_point >= end_offset, (self, end_offset)
        config = self.config
        segments = tuple(
            SegmentInput(segment.base_offset, segment.next_offset, segment.size_bytes)
            for segment in self._sealed_segments()
            if segment.next_offset <= self.recovery_point
        )
        # Of whole segments: what is beyond the dirty range is copied with its index entries.
        copied_to = segments[-1].next_offset if segments else 0
        aborted = self.aborted_transactions(self.segments[0].base_offset, copied_to)
        return CleaningJob(
            directory=self.directory,
            segments=segments,
            first_dirty_offset=dirty.first_dirty_offset,
            first_uncleanable_offset=end_offset,
            now_ms=now_ms,
            delete_retention_ms=config.delete_retention_ms,
            segment_bytes=config.segment_bytes,
            segment_index_bytes=config.segment_index_bytes,
            index_interval_bytes=config.index_interval_bytes,
            max_decompressed_bytes=config.max_decompressed_bytes,
            map_bytes=map_bytes,
            aborted=tuple(aborted),
            last_offsets=frozenset(
                entry.last_offset for entry in self.producers if entry.last_offset >= 0
            ),
            markers_only=frozenset(
                (entry.producer_id, entry.epoch)
                for entry in self.producers
                if entry.last_offset < 0
            ),
            bytes_per_second=bytes_per_second,
        )

    def swap_in(self, group: CleanedGroup) -> bool:
        """Put a cleaned segment in the place of those it was made of; whether they were still there.

        A crash at any moment leaves the old segments or the new one: the rename to `.swap` is what
        decides, and recovery carries out what follows it (`complete_swaps`).

        Raises:
            StorageError: the disk refused; the log directory is offline.
        """
        first = self.segments.index_of(group.replaced[0])
        old = [] if first is None else list(self.segments)[first : first + len(group.replaced)]
        if self.is_closed or tuple(s.base_offset for s in old) != group.replaced:
            self._discard(group)
            return False
        assert first is not None
        assert old[-1].is_sealed
        try:
            self._swap(first, old, group)
        except DISK_ERRORS as error:
            raise self.said("compact", error) from error
        return True

    def _swap(self, first: int, old: list[LogSegment], group: CleanedGroup) -> None:
        files = self._environment.files
        path = old[0].path
        files.rename(path(LOG) + CLEANED, path(LOG) + SWAP)
        files.sync_dir(self.directory)  # From here on the new segment is the truth.
        for segment in reversed(old[1:]):
            segment.remove()
        old[0].give_up_files()
        for suffix in (OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX):
            with suppress(FileNotFoundError):
                files.remove(path(suffix))
        files.sync_dir(self.directory)  # No old segment may come back beside the new one.
        suffixes = [OFFSET_INDEX, TIME_INDEX]
        if group.aborted_count:
            suffixes.append(TRANSACTION_INDEX)
        for suffix in suffixes:
            files.rename(path(suffix) + CLEANED, path(suffix))
        files.rename(path(LOG) + SWAP, path(LOG))
        new = LogSegment(
            self.directory,
            old[0].base_offset,
            self._environment,
            self._environment.pool.file(path(LOG)),
            next_offset=old[-1].next_offset,
            size_bytes=group.size_bytes,
            is_sealed=True,
            modified_ms=old[-1].modified_ms,
        )
        new.transactions.has_any = bool(group.aborted_count)
        self.segments.replace(first, len(old), new)
        self._flushes.note_removed(old)
        self._snapshots.keep({segment.base_offset for segment in self.segments})

    def _discard(self, group: CleanedGroup) -> None:
        """The segments changed meanwhile: what was made of them is of no use."""
        for suffix in SEGMENT_SUFFIXES:
            name = file_name(group.replaced[0], suffix) + CLEANED
            with suppress(OSError):
                self._environment.files.remove(f"{self.directory}/{name}")

    def _sealed_segments(self) -> list[LogSegment]:
        return [segment for segment, _ in pairwise(self.segments)]


def _facts(segment: LogSegment) -> SegmentFacts:
    largest = segment.largest_timestamp() if segment.size_bytes else None
    largest_ms = segment.modified_ms if largest is None else largest[0]
    first_ms = segment.first_batch_timestamp()
    return SegmentFacts(
        segment.base_offset,
        segment.next_offset,
        segment.size_bytes,
        first_timestamp_ms=largest_ms if first_ms is None or first_ms < 0 else first_ms,
        largest_timestamp_ms=largest_ms,
    )
