"""Real files whose operations fail on demand, as those of a dying disk do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flowlog.broker.storage.files import Buffer, DirEntry, File, Files, Lock
from flowlog.broker.storage.os_files import OsFiles

Decide = Callable[[str, str], OSError | None]


class FaultyFile:
    """An open file of `FaultyFiles`."""

    def __init__(self, files: FaultyFiles, path: str, file: File) -> None:
        self._files = files
        self._path = path
        self._file = file

    def pread(self, size: int, position: int) -> bytes:
        self._files.maybe_fail("read", self._path)
        return self._file.pread(size, position)

    def pwrite(self, data: Buffer, position: int) -> None:
        self.pwritev((data,), position)

    def pwritev(self, buffers: Sequence[Buffer], position: int) -> None:
        data = b"".join(buffers)
        try:
            self._files.maybe_fail("write", self._path)
        except OSError:  # A write that fails may have got half way.
            self._file.pwrite(data[: len(data) // 2], position)
            raise
        self._file.pwrite(data, position)

    def truncate(self, size_bytes: int) -> None:
        self._files.maybe_fail("truncate", self._path)
        self._file.truncate(size_bytes)

    def size_bytes(self) -> int:
        self._files.maybe_fail("size", self._path)
        return self._file.size_bytes()

    def sync(self) -> None:
        self._files.maybe_fail("sync", self._path)
        self._file.sync()

    def close(self) -> None:
        self._file.close()


class FaultyFiles:
    """The file port on another one, the operating system's unless given. Any thread may use it."""

    def __init__(self, files: Files | None = None) -> None:
        self._files = files or OsFiles()
        self._decisions: tuple[Decide, ...] = ()

    def fail_when(self, decide: Decide) -> None:
        """Ask `decide(operation, path)` before each operation; it may give an error to raise.

        Operations: open, read, write, truncate, size, sync, list, rename, remove, make, sync_dir.
        """
        self._decisions += (decide,)

    def heal(self) -> None:
        """The disk works again; what the broker was told remains said."""
        self._decisions = ()

    def maybe_fail(self, operation: str, path: str) -> None:
        for decide in self._decisions:
            error = decide(operation, path)
            if error is not None:
                raise error

    # The port

    def open(self, path: str, *, create: bool = False) -> File:
        self.maybe_fail("open", path)
        return FaultyFile(self, path, self._files.open(path, create=create))

    def list_dir(self, path: str) -> list[DirEntry]:
        self.maybe_fail("list", path)
        return self._files.list_dir(path)

    def exists(self, path: str) -> bool:
        return self._files.exists(path)

    def make_dir(self, path: str) -> None:
        self.maybe_fail("make", path)
        self._files.make_dir(path)

    def make_dirs(self, path: str) -> None:
        self.maybe_fail("make", path)
        self._files.make_dirs(path)

    def rename(self, old: str, new: str) -> None:
        self.maybe_fail("rename", old)
        self._files.rename(old, new)

    def remove(self, path: str) -> None:
        self.maybe_fail("remove", path)
        self._files.remove(path)

    def remove_dir(self, path: str) -> None:
        self.maybe_fail("remove", path)
        self._files.remove_dir(path)

    def sync_dir(self, path: str) -> None:
        self.maybe_fail("sync_dir", path)
        self._files.sync_dir(path)

    def free_bytes(self, path: str) -> int:
        return self._files.free_bytes(path)

    def total_bytes(self, path: str) -> int:
        return self._files.total_bytes(path)

    def lock(self, path: str) -> Lock:
        return self._files.lock(path)
