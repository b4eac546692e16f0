"""The file port: everything that storage asks of a file system, and nothing else.

`OsFiles` is the real one; `flowlog.testing.files.MemoryFiles` loses power on demand. Both pass
the same tests. Paths are absolute strings. Failures are OSError, as the operating system has them.

What survives a loss of power: bytes of a file after `sync` on it; names (created, renamed,
removed) after `sync_dir` on the directory that holds them. Everything else may be there, gone, or
torn at any byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

Buffer = bytes | bytearray | memoryview

TEMPORARY_SUFFIX: Final = ".tmp"


@dataclass(frozen=True, slots=True)
class DirEntry:
    """A name in a directory; `size_bytes` is 0 for directories."""

    name: str
    size_bytes: int
    is_directory: bool
    modified_ms: int


class File(Protocol):
    """An open file, read and written at explicit positions."""

    def pread(self, size: int, position: int) -> bytes:
        """Up to `size` bytes; fewer only where the file ends."""
        ...

    def pwrite(self, data: Buffer, position: int) -> None:
        """Write all of `data`. After an OSError any part of it may have been written."""
        ...

    def pwritev(self, buffers: Sequence[Buffer], position: int) -> None:
        """Write the buffers one after the other, as `pwrite` of their sum."""
        ...

    def truncate(self, size_bytes: int) -> None: ...

    def size_bytes(self) -> int: ...

    def sync(self) -> None:
        """Return when the file's bytes are on the disk. May be called from any thread."""
        ...

    def close(self) -> None: ...


class Lock(Protocol):
    """A directory held by this process until `release`."""

    def release(self) -> None: ...


class Files(Protocol):
    """A file system."""

    def open(self, path: str, *, create: bool = False) -> File:
        """Open for reading and writing; `create` makes an empty file where there is none.

        A symbolic link is refused: nothing in a log directory may lead out of it.
        """
        ...

    def list_dir(self, path: str) -> list[DirEntry]:
        """Files and directories, in no order; symbolic links are left out."""
        ...

    def exists(self, path: str) -> bool: ...

    def make_dir(self, path: str) -> None:
        """Make one directory; FileExistsError if the name is taken."""
        ...

    def make_dirs(self, path: str) -> None:
        """Make a directory and its parents where missing."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename within one directory, replacing a file of the new name."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; FileNotFoundError if it is gone already."""
        ...

    def remove_dir(self, path: str) -> None:
        """Remove a directory and the files in it."""
        ...

    def sync_dir(self, path: str) -> None: ...

    def free_bytes(self, path: str) -> int:
        """What may still be written to the file system that holds `path`."""
        ...

    def total_bytes(self, path: str) -> int:
        """The size of the file system that holds `path`."""
        ...

    def lock(self, path: str) -> Lock:
        """Take the lock file at `path`; BlockingIOError if another process holds it."""
        ...


def read_file(files: Files, path: str) -> bytes:
    """The whole content."""
    file = files.open(path)
    try:
        return file.pread(file.size_bytes(), 0)
    finally:
        file.close()


def write_file(files: Files, path: str, data: bytes) -> None:
    """Create a file or overwrite it; durable only once it and its directory are synced."""
    file = files.open(path, create=True)
    try:
        file.truncate(0)
        file.pwrite(data, 0)
    finally:
        file.close()


def replace_file(files: Files, path: str, data: bytes) -> None:
    """Put `data` at `path` durably: after a crash there is the old content or the new, whole."""
    temporary = path + TEMPORARY_SUFFIX
    file = files.open(temporary, create=True)
    try:
        file.truncate(0)
        file.pwrite(data, 0)
        file.sync()
    finally:
        file.close()
    files.rename(temporary, path)
    files.sync_dir(path.rpartition("/")[0])
