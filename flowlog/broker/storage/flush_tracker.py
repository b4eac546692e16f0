"""What of a log is on the disk: the recovery point, and what a flush has to sync to move it."""

from __future__ import annotations

from flowlog.broker.storage.checkpoints import encode_epochs
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.epoch_cache import LeaderEpochCache
from flowlog.broker.storage.flushing import FlushJob, FlushPostponedError
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_names import (
    EPOCH_CHECKPOINT,
    OFFSET_INDEX,
    PARTITION_METADATA,
    TIME_INDEX,
)


class FlushTracker:
    """Invariant: every batch below `recovery_point` survives a loss of power, with the names of its
    files, the indexes of sealed segments and the leader epochs up to there.
    """

    def __init__(
        self,
        environment: StorageEnvironment,
        directory: str,
        *,
        recovery_point: int,
        epochs_version: int,
        is_new: bool,
    ) -> None:
        self.recovery_point = recovery_point
        self.last_flush_ms = 0
        self._environment = environment
        self._directory = directory
        self._generation = 0
        self._sealed: list[LogSegment] = []
        self._extra_paths: list[str] = []
        self._epochs_version = epochs_version
        self._names_changed = is_new
        self._is_new = is_new
        """The partition's own directory is not known to survive either."""

    def note_sealed(self, segment: LogSegment, *paths: str) -> None:
        """A segment stopped growing: its files, and others at `paths`, wait for a flush."""
        self._sealed.append(segment)
        self._extra_paths += paths
        self._names_changed = True

    def note_closing(self, active: LogSegment, snapshot_path: str) -> None:
        """The index files of the growing segment were written for a clean stop."""
        self._extra_paths += (*_index_paths(active), snapshot_path)
        self._names_changed = True

    def note_removed(self, removed: list[LogSegment]) -> None:
        """Segments were deleted: nothing of them needs to be synced any more."""
        self._sealed = [segment for segment in self._sealed if segment not in removed]
        self._names_changed = True

    def lower(self, offset: int) -> None:
        """The log is about to be cut at `offset`: flushes under way prove nothing beyond it."""
        self._generation += 1
        self.recovery_point = min(self.recovery_point, offset)
        self._sealed = [s for s in self._sealed if s.next_offset <= offset]

    def restart(self, offset: int) -> None:
        """The log was emptied and starts at `offset`."""
        self.lower(0)
        self.recovery_point = offset
        self._names_changed = True

    def begin(self, active: LogSegment, epochs: LeaderEpochCache) -> FlushJob:
        """All that has to be synced for everything written so far to count as flushed."""
        job = FlushJob(self._environment.files, active.next_offset, self._generation)
        for segment in self._sealed:
            job.pin(segment.log)
            job.paths += _index_paths(segment)
        job.paths += self._extra_paths
        if active.next_offset > self.recovery_point and active.size_bytes:
            job.pin(active.log)
        if epochs.version != self._epochs_version:
            path = f"{self._directory}/{EPOCH_CHECKPOINT}"
            job.epochs = path, encode_epochs(epochs.entries), epochs.version
        if self._names_changed:
            job.directories.append(self._directory)
        if self._is_new:
            active.log.ensure_made()
            job.paths.append(f"{self._directory}/{PARTITION_METADATA}")
            job.directories.append(self._directory.rpartition("/")[0])
        job.sealed, self._sealed = self._sealed, []
        job.extra_paths, self._extra_paths = self._extra_paths, []
        self._names_changed = self._is_new = False
        return job

    def finish(self, job: FlushJob) -> None:
        """The job's files are on the disk."""
        job.release()
        if job.epochs is not None:
            self._epochs_version = max(self._epochs_version, job.epochs[2])
        if job.generation == self._generation:
            self.recovery_point = max(self.recovery_point, job.end_offset)

    def abandon(self, job: FlushJob) -> None:
        """The job did not run: the next one has to sync what it would have."""
        job.release()
        self._sealed = [*job.sealed, *self._sealed]
        self._extra_paths = [*job.extra_paths, *self._extra_paths]
        self._names_changed = True
        self._is_new = self._is_new or len(job.directories) > 1

    def fail(self, job: FlushJob, error: OSError) -> None:
        """A sync failed: the kernel may have dropped the bytes, so no later sync can be believed."""
        if isinstance(error, FlushPostponedError):
            self.abandon(job)
            return
        job.release()
        self._environment.health.fail(error)


def _index_paths(segment: LogSegment) -> list[str]:
    paths = [segment.path(OFFSET_INDEX), segment.path(TIME_INDEX)]
    if segment.transactions.has_any:
        paths.append(segment.transactions.path)
    return paths
