"""Log files opened when used and closed when many others are: a bound on descriptors.

2,000 partitions of several segments do not fit in a process's descriptor limit. A `PooledFile`
stands for a path; its descriptor comes and goes. Reads, writes and evictions happen on the event
loop's thread; `pinned` keeps a descriptor open while a worker thread syncs it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from flowlog.broker.storage.files import Buffer, File, Files

OPEN_FILES_MAX: Final = 512


class FilePool:
    """Holds at most `max_open` descriptors, give or take those that are pinned."""

    def __init__(self, files: Files, *, max_open: int = OPEN_FILES_MAX) -> None:
        assert max_open > 0, max_open
        self.files = files
        self._max_open = max_open
        self._open: deque[PooledFile] = deque()

    @property
    def open_count(self) -> int:
        return len(self._open)

    def file(self, path: str) -> PooledFile:
        """A file that exists; it is opened at its first use."""
        return PooledFile(self, path)

    def create_later(self, path: str, prepare: Callable[[], None]) -> PooledFile:
        """A file that is made at its first use, after `prepare` made what it lies in."""
        pooled = PooledFile(self, path)
        pooled.prepare = prepare
        return pooled

    def create(self, path: str) -> PooledFile:
        """Make an empty file, or empty the one that is there."""
        pooled = PooledFile(self, path)
        file = self.files.open(path, create=True)
        file.truncate(0)
        self.admit(pooled, file)
        return pooled

    def admit(self, pooled: PooledFile, file: File) -> None:
        """Take in an open file; close the one that was not used for longest, roughly.

        Second chance: a file used since it was last looked at goes to the back of the queue.
        """
        for _ in range(2 * len(self._open)):
            if len(self._open) < self._max_open:
                break
            candidate = self._open.popleft()
            if candidate.pins or candidate.was_used:
                candidate.was_used = False
                self._open.append(candidate)
            else:
                candidate.drop_descriptor()
        pooled.descriptor = file
        self._open.append(pooled)

    def forget(self, pooled: PooledFile) -> None:
        self._open.remove(pooled)


class PooledFile:
    """One path, opened on demand."""

    __slots__ = ("_is_closing", "_pool", "descriptor", "path", "pins", "prepare", "was_used")

    def __init__(self, pool: FilePool, path: str) -> None:
        self.path = path
        self.descriptor: File | None = None
        self.was_used = False
        self.pins = 0
        self.prepare: Callable[[], None] | None = None
        self._pool = pool
        self._is_closing = False

    def _use(self) -> File:
        self.was_used = True
        if self.descriptor is None:
            self._open()
        assert self.descriptor is not None
        return self.descriptor

    def _open(self) -> None:
        files = self._pool.files
        if self.prepare is None:
            self._pool.admit(self, files.open(self.path))
        else:
            self.prepare()
            self._pool.admit(self, files.open(self.path, create=True))
            self.prepare = None

    def ensure_made(self) -> None:
        """Make the file now if it was to be made later."""
        if self.prepare is not None:
            self._use()

    def pread(self, size: int, position: int) -> bytes:
        return self._use().pread(size, position)

    def pwrite(self, data: Buffer, position: int) -> None:
        self._use().pwrite(data, position)

    def pwritev(self, buffers: Sequence[Buffer], position: int) -> None:
        self._use().pwritev(buffers, position)

    def truncate(self, size_bytes: int) -> None:
        self._use().truncate(size_bytes)

    def size_bytes(self) -> int:
        return self._use().size_bytes()

    def sync(self) -> None:
        """Sync on this thread; `pin` is for syncing on another."""
        self._use().sync()

    def pin(self) -> File:
        """Keep the descriptor open until `unpin`; for work in another thread."""
        file = self._use()
        self.pins += 1
        return file

    def unpin(self) -> None:
        assert self.pins > 0, self.path
        self.pins -= 1
        if self._is_closing and not self.pins:
            self.close()

    def close(self) -> None:
        """Give up the descriptor, now or when the last pin goes; a later use opens it again."""
        if self.descriptor is None:
            return
        self._is_closing = bool(self.pins)
        if not self.pins:
            self._pool.forget(self)
            self.drop_descriptor()

    def drop_descriptor(self) -> None:
        assert self.descriptor is not None, self.path
        assert not self.pins, self.path
        file, self.descriptor = self.descriptor, None
        file.close()
