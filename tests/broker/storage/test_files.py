"""The file port's promises, kept by the real files and by their twin in memory."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from flowlog.broker.storage.files import Files, read_file, replace_file, write_file
from flowlog.broker.storage.os_files import OsFiles
from flowlog.testing.files import MemoryFiles


def test_bytes_are_read_where_they_were_written(files: Files, root: str) -> None:
    file = files.open(f"{root}/a", create=True)
    file.pwrite(b"hello", 0)
    file.pwritev((bytearray(b" wor"), memoryview(b"ld")), 5)
    assert file.size_bytes() == 11
    assert file.pread(5, 6) == b"world"
    assert file.pread(100, 6) == b"world"
    assert file.pread(5, 50) == b""
    file.close()


def test_a_write_behind_the_end_leaves_zeros(files: Files, root: str) -> None:
    file = files.open(f"{root}/a", create=True)
    file.pwrite(b"x", 3)
    assert file.pread(10, 0) == b"\0\0\0x"
    file.close()


def test_truncate_cuts_and_grows(files: Files, root: str) -> None:
    file = files.open(f"{root}/a", create=True)
    file.pwrite(b"hello", 0)
    file.truncate(2)
    file.truncate(4)
    assert file.pread(10, 0) == b"he\0\0"
    file.close()


def test_a_missing_file_is_not_made_by_accident(files: Files, root: str) -> None:
    with pytest.raises(FileNotFoundError):
        files.open(f"{root}/a")
    assert not files.exists(f"{root}/a")


def test_names_come_and_go(files: Files, root: str) -> None:
    files.make_dir(f"{root}/d")
    with pytest.raises(FileExistsError):
        files.make_dir(f"{root}/d")
    write_file(files, f"{root}/d/a", b"123")
    write_file(files, f"{root}/d/b", b"x")
    files.rename(f"{root}/d/a", f"{root}/d/b")
    (entry,) = files.list_dir(f"{root}/d")
    assert (entry.name, entry.size_bytes, entry.is_directory) == ("b", 3, False)
    assert files.list_dir(root)[0].is_directory
    files.remove(f"{root}/d/b")
    with pytest.raises(FileNotFoundError):
        files.remove(f"{root}/d/b")
    write_file(files, f"{root}/d/c", b"")
    files.remove_dir(f"{root}/d")
    assert not files.exists(f"{root}/d")


def test_a_removed_file_can_be_read_to_the_end_by_who_has_it_open(files: Files, root: str) -> None:
    write_file(files, f"{root}/a", b"123")
    file = files.open(f"{root}/a")
    files.remove(f"{root}/a")
    assert file.pread(3, 0) == b"123"
    file.close()


def test_replace_file_puts_the_whole_content_there(files: Files, root: str) -> None:
    for content in (b"a much longer first content", b"short"):
        replace_file(files, f"{root}/a", content)
        assert read_file(files, f"{root}/a") == content
    assert [entry.name for entry in files.list_dir(root)] == ["a"]


def test_a_lock_is_held_once(files: Files, root: str) -> None:
    lock = files.lock(f"{root}/.lock")
    with pytest.raises(BlockingIOError):
        files.lock(f"{root}/.lock")
    lock.release()
    files.lock(f"{root}/.lock").release()


def test_there_is_some_room(files: Files, root: str) -> None:
    assert files.free_bytes(root) > 0


def test_symbolic_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"secret")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "link").symlink_to(tmp_path / "outside")
    files = OsFiles()
    assert files.list_dir(str(tmp_path / "data")) == []
    with pytest.raises(OSError, match="symbolic link"):
        files.open(str(tmp_path / "data" / "link"))


def test_short_writes_and_reads_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may do less than asked, for instance when a signal comes."""
    pwrite, pwritev, pread = os.pwrite, os.pwritev, os.pread
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, bytes(data)[:3], at))
    monkeypatch.setattr(os, "pwritev", lambda fd, data, at: pwrite(fd, bytes(data[0])[:1], at))
    monkeypatch.setattr(os, "pread", lambda fd, size, at: pread(fd, min(size, 2), at))
    file = OsFiles().open(str(tmp_path / "a"), create=True)
    file.pwrite(b"0123456789", 0)
    file.pwritev((b"ab", b"cdef"), 10)
    assert file.pread(100, 0) == b"0123456789abcdef"
    assert pwritev is not None
    file.close()


# What only the twin can show: a loss of power


def crashed(files: MemoryFiles, seed: int) -> MemoryFiles:
    return files.crash_clone(random.Random(seed))


def test_synced_bytes_and_names_survive_every_crash() -> None:
    files = MemoryFiles()
    files.make_dirs("/d")
    replace_file(files, "/d/a", b"kept")
    for seed in range(50):
        assert read_file(crashed(files, seed), "/d/a") == b"kept"


def test_unsynced_bytes_may_be_whole_torn_or_gone() -> None:
    files = MemoryFiles()
    files.make_dirs("/d")
    replace_file(files, "/d/a", b"")
    file = files.open("/d/a")
    file.pwrite(b"0123456789", 0)
    sizes = {len(read_file(crashed(files, seed), "/d/a")) for seed in range(200)}
    assert sizes == set(range(11))
    assert file.pread(10, 0) == b"0123456789", "the machine that did not crash sees all"


def test_a_synced_file_without_a_synced_name_may_be_gone() -> None:
    files = MemoryFiles()
    files.make_dirs("/d")
    file = files.open("/d/a", create=True)
    file.pwrite(b"x", 0)
    file.sync()
    assert {crashed(files, seed).exists("/d/a") for seed in range(20)} == {True, False}
    files.sync_dir("/d")
    assert {crashed(files, seed).exists("/d/a") for seed in range(20)} == {True}


def test_a_rename_is_there_or_not_but_never_half() -> None:
    files = MemoryFiles()
    files.make_dirs("/d")
    replace_file(files, "/d/a", b"old")
    write_file(files, "/d/b", b"new")
    files.rename("/d/b", "/d/a")
    for seed in range(50):
        assert crashed(files, seed).exists("/d/a")
