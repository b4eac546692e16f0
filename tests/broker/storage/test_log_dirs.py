"""Several data directories as one: the disk's syncs are waited for by a thread."""

from __future__ import annotations

import threading
import uuid
from pathlib import Path

import pytest

from flowlog.broker.storage.log_dirs import LogDirectories
from flowlog.errors import StorageError
from flowlog.testing.faulty_files import FaultyFiles

pytestmark = pytest.mark.anyio


def _open(files: FaultyFiles, root: Path) -> LogDirectories:
    directories = LogDirectories.open([root / "one", root / "two"], files=files)
    for number in (1, 2):
        directories.create("orders", uuid.UUID(int=number), 0, None)
    return directories


async def test_checkpoints_are_written_by_another_thread(tmp_path: Path) -> None:
    files = FaultyFiles()
    directories = _open(files, tmp_path)
    synced_by: list[int] = []

    def note(operation: str, path: str) -> None:
        if operation == "sync":
            synced_by.append(threading.get_ident())

    files.fail_when(note)
    await directories.write_checkpoints()
    assert synced_by
    assert threading.get_ident() not in synced_by
    directories.close(clean=False)


async def test_one_directory_that_fails_keeps_no_other_from_its_checkpoints(
    tmp_path: Path,
) -> None:
    files = FaultyFiles()
    directories = _open(files, tmp_path)

    def fail(operation: str, path: str) -> OSError | None:
        dies = operation == "sync" and path.startswith(f"{tmp_path}/one/")
        return OSError(5, "Input/output error") if dies else None

    files.fail_when(fail)
    with pytest.raises(StorageError):
        await directories.write_checkpoints()
    assert not files.exists(f"{tmp_path}/one/recovery-point-offset-checkpoint")
    assert files.exists(f"{tmp_path}/two/recovery-point-offset-checkpoint")
    assert [status.is_offline for status in directories.statuses()] == [True, False]
    directories.close(clean=False)
