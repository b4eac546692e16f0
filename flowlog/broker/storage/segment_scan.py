"""Reading a segment again after a crash: how far it is good.

A checksum does not cover its batch's base offset; offsets that go back tell of a wrong one. Where
the batch before left a gap, and this one would follow on without it, it is that one: its offset
went up. Gaps alone prove nothing, compaction leaves them; but one right before other damage, in what
was not flushed, is taken for damage too.
"""

from __future__ import annotations

from flowlog.broker.storage.epoch_cache import LeaderEpochCache
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.walk import Located, scan_batches
from flowlog.records.errors import CorruptBatchError


class SegmentScan:
    """Takes a segment's batches in one after the other; used once.

    A batch is taken in when the next one, or the end, says nothing against it.
    """

    def __init__(
        self,
        segment: LogSegment,
        epochs: LeaderEpochCache,
        *,
        end_offset: int | None,
        flushed_to: int,
        index_interval_bytes: int,
    ) -> None:
        """`end_offset`: where the next segment starts (exclusive); None if there is none.

        `flushed_to` (exclusive): what lies below was on the disk before.
        """
        self._segment = segment
        self._epochs = epochs
        self._end_offset = end_offset
        self._flushed_to = flushed_to
        self._index_interval_bytes = index_interval_bytes
        self._held: Located | None = None

    def run(self) -> CorruptBatchError | None:
        """Have the segment end where it stops being right; what was wrong there, if anything.

        The file is left as it is.
        """
        segment, size_bytes = self._segment, self._segment.size_bytes
        segment.start_scan()
        damage = None
        try:
            for located in scan_batches(segment.log, size_bytes):
                self._check(located)
                self._take_held()
                self._held = located
            self._check_end()
        except CorruptBatchError as error:
            damage = error
            self._maybe_drop_held(at_least=self._flushed_to)
        self._take_held()
        segment.finish_scan()
        segment.checked.add(0, segment.size_bytes, segment.next_offset)
        return damage

    def _check(self, located: Located) -> None:
        header, held = located.header, self._held
        next_offset = self._segment.next_offset if held is None else held.header.next_offset
        if header.last_offset_delta < 0:
            raise CorruptBatchError(f"offset {header.base_offset} does not ascend")
        if header.base_offset < next_offset:
            if self._segment.next_offset <= header.base_offset:
                self._maybe_drop_held(at_least=0)
            raise CorruptBatchError(f"offset {header.base_offset} follows on {next_offset - 1}")
        if not self._segment.has_room_for(header.last_offset):
            raise CorruptBatchError(f"offset {header.last_offset} does not belong here")
        epoch = self._epochs.latest_epoch if held is None else held.header.leader_epoch
        if header.leader_epoch < epoch:
            raise CorruptBatchError(f"leader epoch {header.leader_epoch} goes back")

    def _maybe_drop_held(self, *, at_least: int) -> None:
        """Leave the batch before out too if it left a gap and starts at that offset or behind."""
        if self._held is not None:
            base_offset = self._held.header.base_offset
            if base_offset > self._segment.next_offset and base_offset >= at_least:
                self._held = None

    def _check_end(self) -> None:
        held, end_offset = self._held, self._end_offset
        if held is not None and end_offset is not None and held.header.next_offset > end_offset:
            self._held = None
            raise CorruptBatchError(f"offset {held.header.last_offset} stands before {end_offset}")

    def _take_held(self) -> None:
        if self._held is not None:
            header = self._held.header
            self._epochs.assign(header.leader_epoch, header.base_offset)
            self._segment.note_scanned(self._held, index_interval_bytes=self._index_interval_bytes)
            self._held = None
