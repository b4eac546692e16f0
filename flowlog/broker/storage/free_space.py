"""The free-space floor: below it clients' records are refused, so that the broker's own still fit.

A file system that is full to the last byte leaves no room for committed offsets, metadata, index
files and checkpoints, which is what a recovery needs. So the last bytes are not given to clients.
"""

from __future__ import annotations

import errno
import logging
from typing import Final

from flowlog.broker.storage.files import Files
from flowlog.errors import StorageError

FLOOR_SHARE: Final = 100
"""Unless set, the floor is this part of the file system ..."""
FLOOR_MAX_BYTES: Final = 64 * 1024 * 1024
"""... and at most so much."""
LOOK_INTERVAL_MS: Final = 1000
LOOK_INTERVAL_WHILE_FULL_MS: Final = 100
LOOK_INTERVAL_BYTES: Final = 4 * 1024 * 1024

logger = logging.getLogger(__name__)


class FreeSpace:
    """Asks the file system at most once a second and once every 4 MB appended, and keeps count
    between; while it is full ten times a second, so that it heals at once when space returns.
    """

    __slots__ = ("_files", "_floor_bytes", "_path", "_room_bytes", "_until_ms", "is_full")

    def __init__(self, files: Files, path: str, *, floor_bytes: int = -1) -> None:
        """`floor_bytes` -1: a hundredth of the file system, at most 64 MB; 0: no floor."""
        if floor_bytes < 0:
            floor_bytes = min(FLOOR_MAX_BYTES, files.total_bytes(path) // FLOOR_SHARE)
        self.is_full = False
        self._files = files
        self._path = path
        self._floor_bytes = floor_bytes
        self._room_bytes = 0
        self._until_ms = 0

    def take(self, size_bytes: int, now_ms: int) -> None:
        """Count `size_bytes` that a client wants to append.

        Raises:
            StorageError: ENOSPC; what is left lies below the floor.
        """
        self._room_bytes -= size_bytes
        # A clock that is set back must not stop the looking: then the count alone ends it.
        if self._room_bytes < 0 or now_ms >= self._until_ms:
            self._look(size_bytes, now_ms)

    def ran_out(self) -> None:
        """A write found no room, whatever was counted: look before the next one."""
        self._become(is_full=True)
        self._room_bytes, self._until_ms = -1, 0

    def _look(self, size_bytes: int, now_ms: int) -> None:
        is_recent = 0 <= self._until_ms - now_ms <= LOOK_INTERVAL_WHILE_FULL_MS
        if not (self.is_full and is_recent and now_ms < self._until_ms):
            room_bytes = self._files.free_bytes(self._path) - self._floor_bytes - size_bytes
            self._become(is_full=room_bytes < 0)
            self._room_bytes = min(room_bytes, LOOK_INTERVAL_BYTES)
            interval_ms = LOOK_INTERVAL_WHILE_FULL_MS if self.is_full else LOOK_INTERVAL_MS
            self._until_ms = now_ms + interval_ms
        if self.is_full:
            raise StorageError(
                errno.ENOSPC, f"less than {self._floor_bytes} bytes are left on {self._path}"
            )

    def _become(self, *, is_full: bool) -> None:
        if is_full and not self.is_full:
            logger.error(
                "storage.full: less than %d bytes are left on %s; records of clients are refused "
                "until there is more room, reads go on",
                self._floor_bytes,
                self._path,
            )
        elif self.is_full and not is_full:
            logger.warning("storage.room: there is room on %s again", self._path)
        self.is_full = is_full
