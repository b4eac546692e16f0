"""Large files that go are freed by a thread: whoever removes them does not wait."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flowlog.broker.storage import background_close
from flowlog.broker.storage.background_close import LARGE_BYTES
from flowlog.broker.storage.os_files import OsFiles


def _remove(path: Path) -> None:
    OsFiles().remove(str(path))


def _remove_its_directory(path: Path) -> None:
    OsFiles().remove_dir(str(path.parent))


def _rename_over(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(b"new")
    OsFiles().rename(str(other), str(path))


@pytest.fixture
def closers(monkeypatch: pytest.MonkeyPatch) -> queue.SimpleQueue[tuple[int, int]]:
    """Who closed a descriptor of a file without a name, by thread, and that file's size."""
    found: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
    close = os.close

    def noting(fd: int) -> None:
        stat = os.fstat(fd)
        if stat.st_nlink == 0:
            found.put((threading.get_ident(), stat.st_size))
        close(fd)

    monkeypatch.setattr(background_close.os, "close", noting)
    return found


@pytest.mark.parametrize("get_rid_of", [_remove, _remove_its_directory, _rename_over])
def test_the_last_descriptor_of_a_large_file_is_closed_elsewhere(
    tmp_path: Path,
    closers: queue.SimpleQueue[tuple[int, int]],
    get_rid_of: Callable[[Path], None],
) -> None:
    directory = tmp_path / "log"
    directory.mkdir()
    path = directory / "00000000000000000000.log"
    path.write_bytes(bytes(LARGE_BYTES))
    get_rid_of(path)
    assert not path.exists() or path.read_bytes() == b"new"
    thread, size_bytes = closers.get(timeout=20)
    assert thread != threading.get_ident()
    assert size_bytes == LARGE_BYTES


def test_a_small_file_just_goes(
    tmp_path: Path, closers: queue.SimpleQueue[tuple[int, int]]
) -> None:
    path = tmp_path / "small"
    path.write_bytes(bytes(LARGE_BYTES - 1))
    _remove(path)
    assert not path.exists()
    assert closers.empty()


def test_a_file_that_is_not_there_is_the_callers_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        _remove(tmp_path / "missing")
