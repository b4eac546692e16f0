"""What the logs of one data directory share: files, descriptors, loaded indexes, and its health."""

from __future__ import annotations

import errno
import logging
from collections import OrderedDict
from typing import Final, Protocol

from flowlog.broker.storage.file_pool import FilePool
from flowlog.broker.storage.files import Files
from flowlog.broker.storage.free_space import FreeSpace
from flowlog.errors import StorageError

LOADED_INDEXES_MAX: Final = 256
"""Sealed segments whose indexes are in memory at once; 5 MB each at the very most."""
NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT)

logger = logging.getLogger(__name__)


class DirectoryHealth:
    """Whether a data directory can still be trusted; once it cannot, it stays so."""

    __slots__ = ("failure",)

    def __init__(self) -> None:
        self.failure: OSError | None = None

    def fail(self, error: OSError) -> None:
        if self.failure is None:
            logger.error("storage.offline: the log directory goes offline: %s", error)
            self.failure = error

    def check(self) -> None:
        """Raise StorageError if the directory is offline."""
        if self.failure is not None:
            raise StorageError(self.failure.errno, f"log directory is offline: {self.failure}")

    def failed(self, action: str, error: OSError) -> StorageError:
        """The error to raise for `error`, which takes the directory offline unless the disk is
        just full: that heals, anything else does not.
        """
        if isinstance(error, StorageError):
            return error
        if error.errno not in NO_SPACE:
            self.fail(error)
        return StorageError(error.errno, f"{action}: {error.strerror or error}")


class Unloadable(Protocol):
    """Something that holds memory it can get back from a file."""

    def unload(self) -> None: ...


class LoadedIndexes:
    """The sealed segments whose indexes are loaded, least recently used first."""

    def __init__(self, max_loaded: int = LOADED_INDEXES_MAX) -> None:
        self._loaded: OrderedDict[Unloadable, None] = OrderedDict()
        self._max_loaded = max_loaded

    def __len__(self) -> int:
        return len(self._loaded)

    def touch(self, segment: Unloadable) -> None:
        self._loaded[segment] = None
        self._loaded.move_to_end(segment)
        while len(self._loaded) > self._max_loaded:
            self._loaded.popitem(last=False)[0].unload()

    def forget(self, segment: Unloadable) -> None:
        self._loaded.pop(segment, None)


class StorageEnvironment:
    """One per data directory."""

    __slots__ = ("files", "free_space", "health", "indexes", "pool")

    def __init__(
        self,
        files: Files,
        *,
        open_files_max: int | None = None,
        free_space: FreeSpace | None = None,
    ) -> None:
        """Without `free_space` clients may fill the disk."""
        self.files = files
        self.pool = FilePool(files, max_open=open_files_max) if open_files_max else FilePool(files)
        self.indexes = LoadedIndexes()
        self.health = DirectoryHealth()
        self.free_space = free_space
