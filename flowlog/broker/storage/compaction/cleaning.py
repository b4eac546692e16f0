"""One cleaning of one log: read the dirty range for the last offset of each key, then copy.

Runs outside the broker's event loop, over the file port alone. Between two groups of segments the
broker swaps the finished one in, so no more than one group lies on the disk twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from flowlog.broker.storage.files import File, Files
from flowlog.broker.storage.index import OFFSET_ENTRY_BYTES, RELATIVE_OFFSET_MAX
from flowlog.broker.storage.segment_names import LOG, file_name
from flowlog.broker.storage.transaction_index import AbortedTransaction
from flowlog.records.batch import HEADER_BYTES, RecordBatchView
from flowlog.records.errors import CorruptBatchError

from .batch_cleaning import AbortedData, BatchCleaner
from .cleaned_segment import CleanedSegment
from .job import CleanedGroup, CleaningJob, SegmentInput
from .offset_map import OffsetMap

READ_BYTES: Final = 2 * 1024 * 1024

Pace = Callable[[int], None]


def clean(files: Files, job: CleaningJob, pace: Pace) -> Iterator[CleanedGroup]:
    """Clean the log group by group; each is to be swapped in before the next is asked for.

    Args:
        pace: told of bytes read and written, may sleep.

    Raises:
        OSError: a file cannot be read or written.
        CorruptBatchError, DecompressedTooLargeError: a batch is damaged; nothing more is cleaned.
    """
    aborted = AbortedData(job.aborted)
    offsets = _build_map(files, job, aborted, pace)
    cleaner = BatchCleaner(job, offsets, aborted)
    inputs = [s for s in job.segments if s.base_offset < offsets.end_offset]
    for group in groups_of(inputs, job):
        yield _clean_group(files, job, group, cleaner, offsets.end_offset, pace)


def groups_of(segments: Sequence[SegmentInput], job: CleaningJob) -> list[list[SegmentInput]]:
    """Neighbours that fit into one segment together, by the limits on bytes, indexes and offsets."""
    groups: list[list[SegmentInput]] = []
    size_bytes = 0
    for segment in segments:
        together = size_bytes + segment.size_bytes
        fits = bool(groups) and (
            together <= job.segment_bytes
            and together // max(1, job.index_interval_bytes) * OFFSET_ENTRY_BYTES
            <= job.segment_index_bytes
            and segment.next_offset - groups[-1][0].base_offset <= RELATIVE_OFFSET_MAX
        )
        if fits:
            groups[-1].append(segment)
            size_bytes = together
        else:
            groups.append([segment])
            size_bytes = segment.size_bytes
    return groups


def _build_map(files: Files, job: CleaningJob, aborted: AbortedData, pace: Pace) -> OffsetMap:
    offsets = OffsetMap(
        job.first_dirty_offset,
        keys_max=job.keys_max,
        max_decompressed_bytes=job.max_decompressed_bytes,
    )
    for segment in job.segments:
        if segment.next_offset <= job.first_dirty_offset:
            continue
        for batch in _batches(files, job.directory, segment, pace):
            if batch.last_offset < job.first_dirty_offset:
                continue
            if offsets.is_full or batch.last_offset >= job.first_uncleanable_offset:
                offsets.finish()
                return offsets
            if batch.is_control or aborted.has(batch):
                offsets.skip(batch)
            else:
                offsets.note(batch)
    offsets.finish()
    return offsets


def _clean_group(
    files: Files,
    job: CleaningJob,
    group: list[SegmentInput],
    cleaner: BatchCleaner,
    end_offset: int,
    pace: Pace,
) -> CleanedGroup:
    cleaned = CleanedSegment(
        files,
        job.directory,
        group[0].base_offset,
        index_interval_bytes=job.index_interval_bytes,
    )
    cleaner.start_segment(group[-1].next_offset)
    markers: set[int] = set()
    try:
        for segment in group:
            for batch in _batches(files, job.directory, segment, pace):
                encoded = cleaner.clean(batch)
                if encoded is not None:
                    cleaned.append(encoded)
                    pace(len(encoded))
                    if batch.is_control:
                        markers.add(batch.last_offset)
        entries = [AbortedTransaction(*entry) for entry in job.aborted if entry[2] in markers]
        aborted_count = cleaned.finish(entries)
    except BaseException:
        cleaned.abandon()
        raise
    return CleanedGroup(
        replaced=tuple(segment.base_offset for segment in group),
        size_bytes=cleaned.size_bytes,
        size_before_bytes=sum(segment.size_bytes for segment in group),
        aborted_count=aborted_count,
        cleaned_end_offset=min(end_offset, group[-1].next_offset),
    )


def _batches(
    files: Files, directory: str, segment: SegmentInput, pace: Pace
) -> Iterator[RecordBatchView]:
    """Every batch of a segment, whole and with its checksum verified."""
    file = files.open(f"{directory}/{file_name(segment.base_offset, LOG)}")
    try:
        position = 0
        while position < segment.size_bytes:
            chunk = _read(file, position, min(READ_BYTES, segment.size_bytes - position))
            at = 0
            while len(chunk) - at >= HEADER_BYTES:
                batch = RecordBatchView(chunk, at)
                if batch.batch_length > 0 and batch.size_bytes > len(chunk) - at:
                    if at:
                        break  # The next chunk starts with it.
                    if position + batch.size_bytes > segment.size_bytes:
                        raise CorruptBatchError(f"the batch at position {position} is cut short")
                    chunk = _read(file, position, batch.size_bytes)
                    batch = RecordBatchView(chunk)
                batch.check_whole()
                batch.check_crc()
                yield batch
                at += batch.size_bytes
            if not at:
                raise CorruptBatchError(f"no batch at position {position} of {segment.base_offset}")
            position += at
            pace(at)
    finally:
        file.close()


def _read(file: File, position: int, size: int) -> bytes:
    data = file.pread(size, position)
    if len(data) < size:
        raise CorruptBatchError(f"the log file ends before position {position + size}")
    return data
