"""The error of a log whose damage cannot be cut away without giving up what was flushed."""

from __future__ import annotations

import errno

from flowlog.errors import StorageError


class DamagedLogError(StorageError):
    """Records that were on the disk are not there as they were: one log is offline, no other."""

    def __init__(self, directory: str, reason: object) -> None:
        super().__init__(errno.EIO, f"{directory}: what was flushed is damaged: {reason}")
