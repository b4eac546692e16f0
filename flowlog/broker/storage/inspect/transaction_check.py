"""`.txnindex` files held against the transactions in the batches.

Every abort marker that ends a transaction has an entry, and every entry such a marker. Of logs
whose first records were deleted or compacted away less is known: what an entry says of them is
believed as far as the rest allows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flowlog.broker.storage.inspect.findings import Finding
from flowlog.broker.storage.inspect.reading import ReadableFile
from flowlog.broker.storage.inspect.scan import ScannedBatch, whole_batch
from flowlog.broker.storage.inspect.small_files import AbortedEntry, aborted_entries
from flowlog.records.control import ControlType, read_end_marker
from flowlog.records.errors import CorruptBatchError


class Abort(NamedTuple):
    """An abort marker in the log. Offsets inclusive, but for the last stable one.

    `first_offset` is None where no record of the transaction is there.
    """

    producer_id: int
    first_offset: int | None
    last_offset: int
    last_stable_offset: int


class TransactionCheck:
    """Follows the transactions of one partition, and checks the index of each segment."""

    def __init__(self, *, is_compacted: bool) -> None:
        self._open: dict[int, int] = {}  # first offset by producer id, ascending
        self._aborts: list[Abort] = []
        self._is_partial = is_compacted
        """There may have been records that are not there any more, or cannot be read."""
        self._segment_is_whole = True
        self._is_first = True

    def start_segment(self, base_offset: int) -> None:
        self._aborts = []
        self._segment_is_whole = True
        self._is_partial = self._is_partial or (self._is_first and base_offset > 0)
        self._is_first = False

    def on_damage(self) -> None:
        """What stands here cannot be believed."""
        self._segment_is_whole = False
        self._is_partial = True

    def on_batch(self, file: ReadableFile, batch: ScannedBatch) -> None:
        """Take in a batch whose checksum is right."""
        header = batch.header
        if not header.is_transactional or not header.has_producer_id:
            return
        if not header.is_control:
            self._open.setdefault(header.producer_id, header.base_offset)
            return
        try:
            marker = read_end_marker(whole_batch(file, batch))
        except CorruptBatchError:
            self.on_damage()
            return
        if marker is None:
            return
        first_offset = self._open.pop(header.producer_id, None)
        if marker.type is ControlType.ABORT:
            stable = next(iter(self._open.values()), header.next_offset)
            self._aborts.append(Abort(header.producer_id, first_offset, header.last_offset, stable))

    def finish_segment(self, path: str, data: bytes) -> Iterator[Finding]:
        """Hold the segment's index, b"" where there is none, against its markers."""
        entries = {entry.last_offset: entry for entry in aborted_entries(data)}
        for abort in self._aborts:
            entry = entries.get(abort.last_offset)
            what = ""
            if entry is None and abort.first_offset is not None:
                what = f"producer {abort.producer_id}, marker at {abort.last_offset}: is missing"
            elif entry is not None and self._may_be(entry, abort):
                del entries[abort.last_offset]
                what = self._difference(entry, abort)
            if what:
                at = None if entry is None else entry.at
                yield Finding(path, at, f"aborted transaction: {what}")
        for entry in entries.values() if self._segment_is_whole else ():
            what = f"no marker at {entry.last_offset} aborts one of producer {entry.producer_id}"
            yield Finding(path, entry.at, f"aborted transaction: {what}")

    def _may_be(self, entry: AbortedEntry, abort: Abort) -> bool:
        """Whether the entry can be about this marker: not if all is known and it ended nothing."""
        is_known = abort.first_offset is not None or self._is_partial
        return is_known and entry.producer_id == abort.producer_id

    def _difference(self, entry: AbortedEntry, abort: Abort) -> str:
        first = abort.first_offset
        is_earlier = first is None or entry.first_offset < first
        if entry.first_offset != first and not (self._is_partial and is_earlier):
            return f"starts at {entry.first_offset}, but its first record is {first}"
        if entry.last_stable_offset != abort.last_stable_offset and not self._is_partial:
            return (
                f"stable up to {entry.last_stable_offset}, "
                f"but the log was decided up to {abort.last_stable_offset}"
            )
        return ""
