"""One flush of a log, as three steps: what to sync (loop), syncing (any thread), the result (loop)."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowlog.broker.storage.environment import NO_SPACE
from flowlog.broker.storage.file_pool import PooledFile
from flowlog.broker.storage.files import File, Files, replace_file
from flowlog.broker.storage.segment import LogSegment
from flowlog.errors import StorageError


class FlushPostponedError(StorageError):
    """The disk is too full for what a flush writes besides the records; it can be tried again."""


@dataclass(slots=True)
class FlushJob:
    """What has to reach the disk before the log below `end_offset` counts as flushed.

    `run` touches nothing but these files, so it may run in a worker thread while the log grows.
    """

    files: Files
    end_offset: int
    generation: int
    """The log's truncation count when the job was made: after a truncation it proves nothing."""
    pinned: list[tuple[PooledFile, File]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    epochs: tuple[str, bytes, int] | None = None
    """Path, content and version of the leader epoch checkpoint, if it changed."""

    sealed: list[LogSegment] = field(default_factory=list)
    extra_paths: list[str] = field(default_factory=list)

    def pin(self, file: PooledFile) -> None:
        self.pinned.append((file, file.pin()))

    def run(self) -> None:
        """Sync it all. Raises OSError; then nothing is known about any of the files."""
        for _, descriptor in self.pinned:
            descriptor.sync()
        for path in self.paths:
            self._sync_path(path)
        if self.epochs is not None:
            self._write_epochs(self.epochs[0], self.epochs[1])
        for directory in self.directories:
            self.files.sync_dir(directory)

    def _write_epochs(self, path: str, data: bytes) -> None:
        """A new file is written anew the next time: no room for it now proves nothing bad of the
        records, as a failed sync of theirs would.
        """
        try:
            replace_file(self.files, path, data)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise FlushPostponedError(error.errno, f"write {path}: {error.strerror}") from error
            raise

    def _sync_path(self, path: str) -> None:
        try:
            file = self.files.open(path)
        except FileNotFoundError:  # Retention was faster; what is gone need not be synced.
            return
        try:
            file.sync()
        finally:
            file.close()

    def release(self) -> None:
        """Let go of the descriptors; on the loop's thread."""
        for pooled, _ in self.pinned:
            pooled.unpin()
