"""A store in RocksDB, without a write-ahead log: the changelog is the log.

Values and position lie in one column family, so whatever prefix of the writes survives a killed
process, its position belongs to it; the changelog gives back the rest.

    b"d" + key -> value          b"p" -> position (msgpack)
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from flowlog.streams.errors import StateError

from .store import Change, StorePosition

_DATA: Final = b"d"
_DATA_END: Final = b"e"
_POSITION_KEY: Final = b"p"
_OWNER_FILE: Final = "owner.json"
LOCK_WAIT_S: Final = 10.0
BLOCK_CACHE_BYTES: Final = 64 << 20
MEMTABLES_BYTES: Final = 128 << 20


class RocksStore:
    """One RocksDB in one directory; RocksDB's own lock keeps other processes out."""

    def __init__(self, path: Path, *, lock_wait_s: float = LOCK_WAIT_S) -> None:
        """Open or create.

        Raises:
            StateError: another process holds the store for longer than `lock_wait_s`, or the
                files cannot be read.
        """
        from rocksdict import DbClosedError, WriteBatch, WriteOptions

        self.path = path
        self._closed_error = DbClosedError
        self._write_batch: Any = WriteBatch
        self._write_options = WriteOptions()
        self._write_options.disable_wal = True
        path.mkdir(parents=True, exist_ok=True)
        self._db = _open(path / "db", lock_wait_s)
        (path / _OWNER_FILE).write_text(
            json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
        )
        self._has_unflushed = False
        stored = self._db.get(_POSITION_KEY)
        self._position = (
            StorePosition()
            if stored is None
            else msgspec.msgpack.decode(stored, type=StorePosition)
        )

    def get(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._db.get(_DATA + key)
        except self._closed_error:
            raise StateError(f"store {self.path} is closed") from None
        return value

    def scan(self, begin: bytes, end: bytes | None) -> Iterator[tuple[bytes, bytes]]:
        last = _DATA_END if end is None else _DATA + end
        try:
            found = self._db.items(from_key=_DATA + begin)
        except self._closed_error:
            raise StateError(f"store {self.path} is closed") from None
        for key, value in found:
            if key >= last:
                return
            yield key[1:], value

    def write(self, changes: Sequence[Change], position: StorePosition) -> None:
        batch = self._write_batch(raw_mode=True)
        put, delete = batch.put, batch.delete
        for key, value in changes:
            if value is None:
                delete(_DATA + key)
            else:
                put(_DATA + key, value)
        put(_POSITION_KEY, msgspec.msgpack.encode(position))
        self._db.write(batch, self._write_options)
        self._position = position
        self._has_unflushed = True

    def clear(self) -> None:
        self._db.delete_range(_DATA, _DATA_END, self._write_options)
        self.write((), StorePosition())

    def position(self) -> StorePosition:
        return self._position

    def flush(self) -> None:
        if self._has_unflushed:
            self._db.flush()
            self._has_unflushed = False

    def close(self) -> None:
        self.flush()
        self._db.close()


def wipe(path: Path) -> None:
    """Delete a closed store."""
    shutil.rmtree(path, ignore_errors=True)


def _open(path: Path, lock_wait_s: float) -> Any:
    from rocksdict import Rdict

    deadline = time.monotonic() + lock_wait_s
    while True:
        try:
            return Rdict(str(path), _options())
        except Exception as error:  # rocksdict raises plain Exceptions
            if "lock" not in str(error).lower():
                raise StateError(f"store {path.parent.name} cannot be opened: {error}") from error
            if time.monotonic() >= deadline:
                raise StateError(
                    f"store {path.parent} is held by another process{_owner(path.parent)}",
                    hint="stop it, or give this worker another --state-dir",
                ) from None
        time.sleep(0.05)


def _owner(path: Path) -> str:
    try:
        owner = json.loads((path / _OWNER_FILE).read_text())
        return f" (pid {owner['pid']} on {owner['host']})"
    except (OSError, ValueError, KeyError):
        return ""


_shared: dict[str, Any] = {}


def _options() -> Any:
    """Options of every store; block cache and memtables are shared by the process."""
    from rocksdict import BlockBasedOptions, Cache, Options, WriteBufferManager

    if not _shared:
        _shared["cache"] = Cache(BLOCK_CACHE_BYTES)
        _shared["buffers"] = WriteBufferManager(MEMTABLES_BYTES, False)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_keep_log_file_num(1)
    options.set_max_open_files(256)
    options.set_write_buffer_size(16 << 20)
    options.set_write_buffer_manager(_shared["buffers"])
    table = BlockBasedOptions()
    table.set_block_cache(_shared["cache"])
    table.set_bloom_filter(10.0, False)
    options.set_block_based_table_factory(table)
    return options
