"""The file port on the operating system's files."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence

from flowlog.broker.storage.background_close import close_in_background, hold_if_large
from flowlog.broker.storage.files import Buffer, DirEntry, File, Lock

_FILE_MODE = 0o644
_sync_data = getattr(os, "fdatasync", os.fsync)


class OsFile:
    """One descriptor. Positions are explicit, so threads may share it for reading and syncing."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def pread(self, size: int, position: int) -> bytes:
        data = os.pread(self._fd, size, position)
        if len(data) == size or not data:
            return data
        return self._pread_rest(data, size, position)

    def _pread_rest(self, data: bytes, size: int, position: int) -> bytes:
        """The system returns less than asked at the end of the file, but is free to elsewhere."""
        parts = [data]
        done = len(data)
        while done < size:
            part = os.pread(self._fd, size - done, position + done)
            if not part:
                break
            parts.append(part)
            done += len(part)
        return b"".join(parts)

    def pwrite(self, data: Buffer, position: int) -> None:
        written = os.pwrite(self._fd, data, position)
        while written != len(data):
            written += os.pwrite(self._fd, memoryview(data)[written:], position + written)

    def pwritev(self, buffers: Sequence[Buffer], position: int) -> None:
        written = os.pwritev(self._fd, buffers, position)
        if written != sum(map(len, buffers)):
            self.pwrite(b"".join(buffers)[written:], position + written)

    def truncate(self, size_bytes: int) -> None:
        os.ftruncate(self._fd, size_bytes)

    def size_bytes(self) -> int:
        return os.fstat(self._fd).st_size

    def sync(self) -> None:
        _sync_data(self._fd)

    def close(self) -> None:
        os.close(self._fd)


class OsLock:
    """An advisory lock on a file; the system drops it when the process ends, however it ends."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        os.close(self._fd)


class OsFiles:
    """The machine's file system."""

    def open(self, path: str, *, create: bool = False) -> File:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        return OsFile(os.open(path, flags | os.O_CREAT if create else flags, _FILE_MODE))

    def list_dir(self, path: str) -> list[DirEntry]:
        entries = []
        with os.scandir(path) as found:
            for entry in found:
                if entry.is_symlink():
                    continue
                with contextlib.suppress(FileNotFoundError):
                    stat = entry.stat(follow_symlinks=False)
                    is_directory = entry.is_dir(follow_symlinks=False)
                    size = 0 if is_directory else stat.st_size
                    modified_ms = stat.st_mtime_ns // 1_000_000
                    entries.append(DirEntry(entry.name, size, is_directory, modified_ms))
        return entries

    def exists(self, path: str) -> bool:
        return os.path.lexists(path)

    def make_dir(self, path: str) -> None:
        os.mkdir(path)

    def make_dirs(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    def rename(self, old: str, new: str) -> None:
        with _freed_in_background(new):
            os.replace(old, new)

    def remove(self, path: str) -> None:
        with _freed_in_background(path):
            os.unlink(path)

    def remove_dir(self, path: str) -> None:
        for entry in self.list_dir(path):
            if not entry.is_directory:
                self.remove(f"{path}/{entry.name}")
        shutil.rmtree(path)

    def sync_dir(self, path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def free_bytes(self, path: str) -> int:
        stat = os.statvfs(path)
        return stat.f_bavail * stat.f_frsize

    def total_bytes(self, path: str) -> int:
        stat = os.statvfs(path)
        return stat.f_blocks * stat.f_frsize

    def lock(self, path: str) -> Lock:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(fd)
            raise
        return OsLock(fd)


@contextlib.contextmanager
def _freed_in_background(path: str) -> Iterator[None]:
    """The file whose name goes in the block gives its bytes back without the caller waiting."""
    held = hold_if_large(path)
    try:
        yield
    finally:
        if held is not None:
            close_in_background(held)
