"""The part of the file port that looking needs, and the machine's files opened for reading only."""

from __future__ import annotations

import os
import stat
from typing import Protocol

from flowlog.broker.storage.files import DirEntry
from flowlog.broker.storage.os_files import OsFile


class ReadableFile(Protocol):
    """An open file; the port's `File` is one."""

    def pread(self, size: int, position: int) -> bytes: ...

    def size_bytes(self) -> int: ...

    def close(self) -> None: ...


class ReadableFiles(Protocol):
    """A file system to look at; the port's `Files` is one."""

    def open(self, path: str) -> ReadableFile: ...

    def list_dir(self, path: str) -> list[DirEntry]: ...

    def exists(self, path: str) -> bool: ...


class ReadOnlyFiles:
    """The machine's files. Opened for reading only: it works on files of others and of backups."""

    def open(self, path: str) -> ReadableFile:
        """Raises OSError, also for a symbolic link and for what is no regular file."""
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        fd = os.open(path, flags)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(None, "is no regular file", path)
        return OsFile(fd)

    def list_dir(self, path: str) -> list[DirEntry]:
        """Everything there, symbolic links and special files too: looking must not miss them."""
        entries = []
        with os.scandir(path) as found:
            for entry in found:
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                is_directory = entry.is_dir(follow_symlinks=False)
                size_bytes = 0 if is_directory else status.st_size
                modified_ms = status.st_mtime_ns // 1_000_000
                entries.append(DirEntry(entry.name, size_bytes, is_directory, modified_ms))
        return entries

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)


def read_whole(files: ReadableFiles, path: str) -> bytes:
    """A small file's content. Raises OSError."""
    file = files.open(path)
    try:
        return file.pread(file.size_bytes(), 0)
    finally:
        file.close()
