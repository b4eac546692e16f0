"""The file port in memory, which loses power on demand.

What a crash leaves follows the port's rules at their worst: of the writes to a file since its last
sync each may be there, gone, or torn at any byte; of the names changed in a directory since its
last sync only the first so many are there (file systems journal a directory's changes in order).
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flowlog.broker.storage.files import Buffer, DirEntry, File, Lock

Write = tuple[int, bytes | None]
"""(position, data); data None: the file was truncated to `position`."""


class MemoryInode:
    """A file's bytes as processes see them, and as the disk has them."""

    def __init__(self, durable: bytes = b"") -> None:
        self.content = bytearray(durable)
        self.durable = durable
        self.unsynced: list[Write] = []
        self.modified_ms = 0

    def apply(self, write: Write) -> None:
        position, data = write
        if data is None:
            del self.content[position:]
            self.content.extend(bytes(position - len(self.content)))
        else:
            self.content.extend(bytes(max(0, position - len(self.content))))
            self.content[position : position + len(data)] = data

    def after_crash(self, rng: random.Random) -> MemoryInode:
        """What the disk may hold after a loss of power now."""
        left = MemoryInode(self.durable)
        for position, data in self.unsynced:
            fate = rng.random()
            if data is None:
                if fate < 0.5:
                    left.apply((position, None))
            elif fate < 0.4:
                left.apply((position, data))
            elif fate < 0.7:
                left.apply((position, data[: rng.randrange(len(data) + 1)]))
        left.durable = bytes(left.content)
        return left


@dataclass
class MemoryDirectory:
    """Names now, names on the disk, and the changes between the two in order."""

    names: dict[str, MemoryInode | MemoryDirectory] = field(default_factory=dict)
    durable: dict[str, MemoryInode | MemoryDirectory] = field(default_factory=dict)
    unsynced: list[tuple[str, MemoryInode | MemoryDirectory | None]] = field(default_factory=list)

    def change(self, *steps: tuple[str, MemoryInode | MemoryDirectory | None]) -> None:
        """Set names (None removes one); several steps are one change, as a rename is."""
        for name, node in steps:
            if node is None:
                del self.names[name]
            else:
                self.names[name] = node
        self.unsynced += steps
        self._boundaries.append(len(self.unsynced))

    _boundaries: list[int] = field(default_factory=lambda: [0])

    def sync(self) -> None:
        self.durable = dict(self.names)
        self.unsynced.clear()
        self._boundaries = [0]

    def after_crash(self, rng: random.Random) -> MemoryDirectory:
        names = dict(self.durable)
        for name, node in self.unsynced[: rng.choice(self._boundaries)]:
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node
        left = MemoryDirectory({name: node.after_crash(rng) for name, node in names.items()})
        left.durable = dict(left.names)
        return left


class MemoryFile:
    """An open file of `MemoryFiles`."""

    def __init__(self, files: MemoryFiles, path: str, inode: MemoryInode) -> None:
        self._files = files
        self._path = path
        self._inode = inode
        self._is_open = True

    def _check(self, operation: str) -> None:
        if not self._is_open:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF), self._path)
        self._files.maybe_fail(operation, self._path)

    def pread(self, size: int, position: int) -> bytes:
        self._check("read")
        return bytes(self._inode.content[position : position + size])

    def pwrite(self, data: Buffer, position: int) -> None:
        self.pwritev((data,), position)

    def pwritev(self, buffers: Sequence[Buffer], position: int) -> None:
        data = b"".join(buffers)
        try:
            self._check("write")
        except OSError:
            if self._is_open:  # A write that fails may have got half way.
                self._write((position, data[: len(data) // 2]))
            raise
        self._write((position, data))

    def truncate(self, size_bytes: int) -> None:
        self._check("truncate")
        if size_bytes != len(self._inode.content):
            self._write((size_bytes, None))

    def _write(self, write: Write) -> None:
        self._inode.apply(write)
        self._inode.unsynced.append(write)
        self._inode.modified_ms = self._files.now_ms

    def size_bytes(self) -> int:
        self._check("size")
        return len(self._inode.content)

    def sync(self) -> None:
        self._check("sync")
        self._inode.durable = bytes(self._inode.content)
        self._inode.unsynced.clear()

    def close(self) -> None:
        assert self._is_open, f"{self._path} is closed twice"
        self._is_open = False
        self._files.open_count -= 1


class MemoryLock:
    """Held until released; a crash drops it, as a process's end does."""

    def __init__(self, held: set[str], path: str) -> None:
        self._held, self._path = held, path

    def release(self) -> None:
        self._held.discard(self._path)


class MemoryFiles:
    """A whole file system in memory; `crash_clone` is the same one after a loss of power."""

    def __init__(self) -> None:
        self._root = MemoryDirectory()
        self._locks: set[str] = set()
        self._failures: list[Callable[[str, str], OSError | None]] = []
        self.now_ms = 0
        """Modification time of files written from now on."""
        self.open_count = 0
        self.sync_count = 0
        self.free = self.total = 1 << 40

    def crash_clone(self, rng: random.Random) -> MemoryFiles:
        """What a machine finds that lost power now and starts again. Draws only from `rng`."""
        clone = MemoryFiles()
        clone._root = self._root.after_crash(rng)
        clone.now_ms = self.now_ms
        return clone

    def fail_when(self, decide: Callable[[str, str], OSError | None]) -> None:
        """Ask `decide(operation, path)` before each operation; it may give an error to raise.

        Operations: open, read, write, truncate, size, sync, list, rename, remove, make, sync_dir.
        """
        self._failures.append(decide)

    def heal(self) -> None:
        self._failures.clear()

    def maybe_fail(self, operation: str, path: str) -> None:
        if operation == "sync":
            self.sync_count += 1
        for decide in self._failures:
            error = decide(operation, path)
            if error is not None:
                raise error

    # The port

    def open(self, path: str, *, create: bool = False) -> File:
        self.maybe_fail("open", path)
        directory, name = self._parent(path)
        node = directory.names.get(name)
        if node is None:
            if not create:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
            node = MemoryInode()
            node.modified_ms = self.now_ms
            directory.change((name, node))
        if isinstance(node, MemoryDirectory):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        self.open_count += 1
        return MemoryFile(self, path, node)

    def list_dir(self, path: str) -> list[DirEntry]:
        self.maybe_fail("list", path)
        return [
            DirEntry(name, 0, is_directory=True, modified_ms=0)
            if isinstance(node, MemoryDirectory)
            else DirEntry(name, len(node.content), False, node.modified_ms)
            for name, node in self._directory(path).names.items()
        ]

    def exists(self, path: str) -> bool:
        try:
            directory, name = self._parent(path)
        except FileNotFoundError:
            return False
        return not name or name in directory.names

    def make_dir(self, path: str) -> None:
        self.maybe_fail("make", path)
        directory, name = self._parent(path)
        if name in directory.names:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
        directory.change((name, MemoryDirectory()))

    def make_dirs(self, path: str) -> None:
        done = ""
        for part in path.strip("/").split("/"):
            done += "/" + part
            if not self.exists(done):
                self.make_dir(done)
                self._parent(done)[0].sync()

    def rename(self, old: str, new: str) -> None:
        self.maybe_fail("rename", old)
        directory, old_name = self._parent(old)
        new_directory, new_name = self._parent(new)
        assert directory is new_directory, "the port renames within a directory"
        if old_name not in directory.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)
        directory.change((new_name, directory.names[old_name]), (old_name, None))

    def remove(self, path: str) -> None:
        self.maybe_fail("remove", path)
        directory, name = self._parent(path)
        if name not in directory.names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        directory.change((name, None))

    def remove_dir(self, path: str) -> None:
        self.remove(path)

    def sync_dir(self, path: str) -> None:
        self.maybe_fail("sync_dir", path)
        self._directory(path).sync()

    def free_bytes(self, path: str) -> int:
        self._directory(path)
        return self.free

    def total_bytes(self, path: str) -> int:
        self._directory(path)
        return self.total

    def lock(self, path: str) -> Lock:
        if path in self._locks:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)
        self._locks.add(path)
        return MemoryLock(self._locks, path)

    def _parent(self, path: str) -> tuple[MemoryDirectory, str]:
        parent, _, name = path.rstrip("/").rpartition("/")
        return self._directory(parent), name

    def _directory(self, path: str) -> MemoryDirectory:
        node: MemoryInode | MemoryDirectory | None = self._root
        for part in path.strip("/").split("/") if path.strip("/") else ():
            node = node.names.get(part) if isinstance(node, MemoryDirectory) else None
        if not isinstance(node, MemoryDirectory):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return node
