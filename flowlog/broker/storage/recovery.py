"""Opening a partition log: as it was left after a clean stop, or as far as it is good after a crash.

After a clean stop nothing is scanned: names and sizes, the last segment's indexes and the newest
producer snapshot suffice. After a crash everything from the recovery point on is read again, batch
by batch with checksums; the log is cut at the first byte that is not right, later segments go, and
indexes, leader epochs and producer state are made from what is left. Above the recovery point
segments follow on one another without a gap, so one missing is noticed: whoever leaves gaps there
(compaction) has to flush and write the recovery point first.

Source: LogLoader and LogSegment.recover in apache/kafka.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    PartitionMetadata,
    decode_epochs,
)
from flowlog.broker.storage.compaction.recovery import complete_swaps
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.damage import DamagedLogError
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.epoch_cache import LeaderEpochCache
from flowlog.broker.storage.files import DirEntry, read_file
from flowlog.broker.storage.flush_tracker import FlushTracker
from flowlog.broker.storage.index import RELATIVE_OFFSET_MAX, CorruptIndexError
from flowlog.broker.storage.log_checkpoints import Checkpointed
from flowlog.broker.storage.log_state import NEVER_CLEAN
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.producer_state import ProducerStateTable
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_list import SegmentList
from flowlog.broker.storage.segment_names import (
    EPOCH_CHECKPOINT,
    LEFTOVER_SUFFIXES,
    LOG,
    SEGMENT_SUFFIXES,
    TRANSACTION_INDEX,
    file_name,
    parse,
)
from flowlog.broker.storage.segment_scan import SegmentScan
from flowlog.broker.storage.snapshots import SnapshotStore, rebuild_producers
from flowlog.broker.storage.transaction_index import AbortedTransaction
from flowlog.broker.storage.walk import walk_headers
from flowlog.records.errors import CorruptBatchError

logger = logging.getLogger(__name__)


class LogRecovery:
    """Opens the log in one directory; used once."""

    def __init__(
        self,
        directory: str,
        environment: StorageEnvironment,
        config: LogConfig,
        checkpointed: Checkpointed,
        *,
        is_clean: bool,
        now_ms: int,
    ) -> None:
        self._directory = directory
        self._environment = environment
        self._config = config
        self._checkpointed = checkpointed
        self._is_clean = is_clean
        self._flushed_to = checkpointed.recovery_point
        """Exclusive: what lies below was on the disk; if it is not, nothing is cut away."""
        self._closed_at = checkpointed.recovery_point if is_clean else 0
        """A clean stop flushed everything: the log ends there. 0: not known."""
        self._now_ms = now_ms
        self._epochs = LeaderEpochCache()
        self._is_new = False
        self._rescanned: list[LogSegment] = []
        """Their transaction indexes are made anew, as their other indexes were."""

    def open(self, identity: PartitionMetadata) -> PartitionLog:
        """What a crash may have damaged has been cut away afterwards.

        Raises:
            DamagedLogError: there is other damage; the log is left as it is.
            OSError: the disk refused.
        """
        names = self._remove_leftovers(self._list_files())
        self._epochs = self._read_epochs(names)
        segments = self._load_segments(names)
        end_offset = segments.active.next_offset
        first_offset = segments[0].base_offset
        log_start_offset = max(self._checkpointed.log_start_offset, first_offset)
        self._check_end(end_offset, log_start_offset)
        if end_offset < log_start_offset:
            segments = self._start_over(segments, log_start_offset)
            end_offset = log_start_offset
        recovery_point = min(self._checkpointed.recovery_point, end_offset)
        snapshots = self._open_snapshots(names, end_offset, recovery_point)
        self._epochs.truncate_from_end(end_offset)
        self._epochs.truncate_from_start(segments[0].base_offset)
        snapshots.keep({segment.base_offset for segment in segments})
        flushes = FlushTracker(
            self._environment,
            self._directory,
            recovery_point=end_offset if self._is_clean else recovery_point,
            epochs_version=self._epochs.version if self._is_clean else -1,
            is_new=not self._is_clean,
        )
        for segment in segments:
            if segment.is_sealed and segment.next_offset >= recovery_point and not self._is_clean:
                flushes.note_sealed(segment)
        log = PartitionLog(
            self._directory,
            self._environment,
            self._config,
            identity=identity,
            segments=segments,
            epochs=self._epochs,
            producers=self._rebuild_producers(snapshots, segments),
            snapshots=snapshots,
            flushes=flushes,
            log_start_offset=log_start_offset,
            now_ms=self._now_ms,
            clean_end_offset=end_offset if self._is_clean or self._is_new else NEVER_CLEAN,
        )
        self._load_transactions(log)
        log.cleaned_to = min(self._checkpointed.cleaned_to, end_offset)
        log.checkpointed_high_watermark = min(self._checkpointed.high_watermark, end_offset)
        return log

    def _check_end(self, end_offset: int, log_start_offset: int) -> None:
        """Raises DamagedLogError where the log does not end behind all that was flushed."""
        if end_offset < self._flushed_to and log_start_offset < self._flushed_to:
            raise self._damaged(f"the log ends at {end_offset}, it had {self._flushed_to}")
        if self._closed_at and end_offset != self._closed_at:
            raise self._damaged(f"the log ends at {end_offset}, it was closed at {self._closed_at}")

    def _list_files(self) -> list[DirEntry]:
        """What is there once the swaps that compaction began are complete."""
        entries = self._environment.files.list_dir(self._directory)
        try:
            if not complete_swaps(self._environment, self._directory, entries):
                return entries
        except CorruptBatchError as error:
            raise self._damaged(error) from error
        return self._environment.files.list_dir(self._directory)

    def _remove_leftovers(self, entries: Iterable[DirEntry]) -> dict[str, DirEntry]:
        """Drop half-made files and indexes without a log; what is left, by name."""
        names = {entry.name: entry for entry in entries if not entry.is_directory}
        bases = {parsed[0] for name in names if (parsed := parse(name)) and parsed[1] == LOG}
        for name in list(names):
            parsed = parse(name)
            is_orphan = parsed and parsed[1] in SEGMENT_SUFFIXES and parsed[0] not in bases
            if is_orphan or name.endswith(LEFTOVER_SUFFIXES):
                self._environment.files.remove(f"{self._directory}/{name}")
                del names[name]
        return names

    def _read_epochs(self, names: dict[str, DirEntry]) -> LeaderEpochCache:
        path = f"{self._directory}/{EPOCH_CHECKPOINT}"
        try:
            return LeaderEpochCache(decode_epochs(read_file(self._environment.files, path)))
        except FileNotFoundError:
            if not self._flushed_to:
                return LeaderEpochCache()
            logger.warning("storage.epochs: %s is gone", path)
        except CorruptCheckpointError as error:
            logger.warning("storage.epochs: %s is not used: %s", path, error)
        self._is_clean = False  # The epochs have to come from the batches.
        self._checkpointed = replace(self._checkpointed, recovery_point=0)
        return LeaderEpochCache()

    # Segments

    def _load_segments(self, names: dict[str, DirEntry]) -> SegmentList:
        logs = sorted(
            (parsed[0], entry)
            for name, entry in names.items()
            if (parsed := parse(name)) and parsed[1] == LOG
        )
        if not logs:
            self._is_new = True
            start = self._checkpointed.log_start_offset
            return SegmentList([LogSegment.create(self._directory, start, self._environment)])
        segments = [self._segment(base, entry, is_last=base == logs[-1][0]) for base, entry in logs]
        for segment in segments:
            name = file_name(segment.base_offset, TRANSACTION_INDEX)
            segment.transactions.has_any = name in names
        for segment, following in pairwise(segments):
            segment.next_offset = following.base_offset
            segment.finish_scan()
        if not (self._is_clean and self._load_last(segments[-1])):
            self._is_clean = False
            segments = self._recover(segments)
        return SegmentList(segments)

    def _segment(self, base_offset: int, entry: DirEntry, *, is_last: bool) -> LogSegment:
        path = f"{self._directory}/{entry.name}"
        return LogSegment(
            self._directory,
            base_offset,
            self._environment,
            self._environment.pool.file(path),
            next_offset=base_offset,
            size_bytes=entry.size_bytes,
            is_sealed=not is_last,
            modified_ms=entry.modified_ms,
        )

    def _load_last(self, segment: LogSegment) -> bool:
        """Take the growing segment as a clean stop left it; False if something is not right."""
        try:
            segment.next_offset += RELATIVE_OFFSET_MAX  # Not known yet; index entries lie below it.
            offset_index, time_index = segment.load_indexes()
            next_offset = segment.base_offset
            position = offset_index.positions[-1] if len(offset_index) else 0
            for located in walk_headers(segment.log, position, segment.size_bytes):
                if located.header.base_offset < next_offset:
                    return False
                next_offset = located.header.next_offset
        except (CorruptIndexError, CorruptBatchError, FileNotFoundError):
            return not segment.size_bytes and self._adopt_empty(segment)
        if self._closed_at not in (0, next_offset):
            return False
        segment.next_offset = next_offset
        segment.adopt_indexes(offset_index, time_index)
        segment.finish_scan()
        return True

    def _adopt_empty(self, segment: LogSegment) -> bool:
        segment.next_offset = segment.base_offset
        segment.rebuild_indexes()
        segment.finish_scan()
        return True

    def _recover(self, segments: list[LogSegment]) -> list[LogSegment]:
        """Scan what may not be on the disk as it should; cut at the first damage."""
        recovery_point = self._checkpointed.recovery_point
        # An empty last segment may come from a roll that failed: the one before it may be longer.
        known = segments[:-1] if segments[-1].size_bytes else segments[:-2]
        # One that ends at the very recovery point may have been sealed after the last flush.
        good = [s for s in known if s.next_offset < recovery_point]
        doubtful = segments[len(good) :]
        for i, segment in enumerate(doubtful):
            if good and not self._follows(good[-1], segment):
                # The end of the one before was lost, or a roll failed and left this one behind.
                self._drop(doubtful[i:], end_offset=good[-1].next_offset)
                break
            if good and not good[-1].is_sealed:
                good[-1].seal()
            self._epochs.truncate_from_end(segment.base_offset)
            following = doubtful[i + 1] if segment in known else None
            is_whole = self._scan(segment, following.base_offset if following else None)
            self._rescanned.append(segment)
            good.append(segment)
            if not is_whole:
                self._drop(doubtful[i + 1 :], end_offset=segment.next_offset)
                break
        good[-1].is_sealed = False
        return good

    def _follows(self, segment: LogSegment, following: LogSegment) -> bool:
        """Whether nothing was lost between two segments; compaction leaves gaps in what is flushed."""
        if segment.next_offset < following.base_offset <= self._flushed_to:
            segment.next_offset = following.base_offset
            segment.finish_scan()
        return segment.next_offset == following.base_offset

    def _drop(self, segments: list[LogSegment], *, end_offset: int) -> None:
        if segments:
            self._check_cut(end_offset, f"{segments[0]} does not follow on the log")
        for segment in reversed(segments):
            logger.warning("storage.recovery: %s does not follow on the log and goes", segment)
            segment.remove()
        self._environment.files.sync_dir(self._directory)

    def _scan(self, segment: LogSegment, end_offset: int | None) -> bool:
        """Read a segment batch by batch and cut it where it stops being right; whether it was."""
        size_bytes = segment.size_bytes
        segment.is_sealed = False
        scan = SegmentScan(
            segment,
            self._epochs,
            end_offset=end_offset,
            flushed_to=self._flushed_to,
            index_interval_bytes=self._config.index_interval_bytes,
        )
        damage = scan.run()
        if damage is not None:
            self._check_cut(segment.next_offset, f"{segment.log.path}: {damage}")
            logger.warning(
                "storage.recovery: %s is cut at position %d of %d: %s",
                segment.log.path,
                segment.size_bytes,
                size_bytes,
                damage,
            )
            segment.log.truncate(segment.size_bytes)
            segment.log.sync()  # What is cut must not come back with the next crash.
        segment.transactions.clear()
        return damage is None

    def _check_cut(self, end_offset: int, reason: str) -> None:
        """Raises DamagedLogError where a cut would take away what was flushed and not deleted."""
        if end_offset < self._flushed_to > self._checkpointed.log_start_offset:
            raise self._damaged(reason)

    def _start_over(self, segments: SegmentList, log_start_offset: int) -> SegmentList:
        """The log ends before it starts: what is left of it was deleted already."""
        for segment in reversed(list(segments)):
            segment.remove()
        self._is_clean = False
        self._rescanned.clear()
        self._epochs.clear()
        segment = LogSegment.create(self._directory, log_start_offset, self._environment)
        self._environment.files.sync_dir(self._directory)
        return SegmentList([segment])

    def _rebuild_producers(
        self, snapshots: SnapshotStore, segments: SegmentList
    ) -> ProducerStateTable:
        """Raises StorageError: records that were on the disk are damaged; nothing is guessed."""
        try:
            producers = rebuild_producers(
                snapshots, segments, now_ms=self._now_ms, on_aborted=self._note_aborted
            )
        except CorruptBatchError as error:
            raise self._damaged(error) from error
        for segment in self._rescanned:
            if segment.is_sealed:
                segment.transactions.write()
        return producers

    def _load_transactions(self, log: PartitionLog) -> None:
        try:
            log.load_active_transactions()
        except CorruptBatchError as error:
            raise self._damaged(error) from error

    def _damaged(self, reason: object) -> DamagedLogError:
        return DamagedLogError(self._directory, reason)

    def _note_aborted(self, segment: LogSegment, entry: AbortedTransaction) -> None:
        if segment in self._rescanned:
            segment.transactions.add(entry)

    def _open_snapshots(
        self, names: dict[str, DirEntry], end_offset: int, recovery_point: int
    ) -> SnapshotStore:
        """After a crash a snapshot above the recovery point may be of records that never were.

        One inside a segment that was scanned again does not help: its transaction index is made
        from the segment's start on.
        """
        snapshots = SnapshotStore.of(self._environment.files, self._directory, names)
        if self._rescanned:
            recovery_point = min(recovery_point, self._rescanned[0].base_offset)
        snapshots.remove_above(end_offset if self._is_clean else recovery_point)
        return snapshots
