"""What storage tests share: both implementations of the file port, and logs to work on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowlog.broker.storage.checkpoints import PartitionMetadata
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.files import Files
from flowlog.broker.storage.os_files import OsFiles
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.recovery import Checkpointed, LogRecovery
from flowlog.records.batch import Codec
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles

NOW_MS = 1_700_000_000_000


@pytest.fixture(params=["real", "memory"])
def files(request: pytest.FixtureRequest) -> Files:
    return OsFiles() if request.param == "real" else MemoryFiles()


@pytest.fixture
def root(files: Files, tmp_path: Path) -> str:
    path = str(tmp_path)
    files.make_dirs(path)
    return path


class LogHome:
    """Opens and reopens the log in one directory."""

    def __init__(self, files: Files, directory: str) -> None:
        self.files = files
        self.directory = directory
        self.config = LogConfig()
        self.environment: StorageEnvironment | None = None
        """Of the next log opened; a new one each time unless set."""
        files.make_dirs(directory)

    def open(
        self,
        *,
        is_clean: bool = False,
        config: LogConfig | None = None,
        recovery_point: int = 0,
        log_start_offset: int = 0,
        open_files_max: int = 50,
        now_ms: int = NOW_MS,
    ) -> PartitionLog:
        """A log of a new process; the old one's descriptors stay with the old one."""
        self.config = config or self.config
        recovery = LogRecovery(
            self.directory,
            self.environment or StorageEnvironment(self.files, open_files_max=open_files_max),
            self.config,
            Checkpointed(recovery_point, log_start_offset),
            is_clean=is_clean,
            now_ms=now_ms,
        )
        return recovery.open(PartitionMetadata(uuid.UUID(int=7), "orders", 0))


@pytest.fixture
def home(files: Files, root: str) -> LogHome:
    return LogHome(files, f"{root}/log")


@pytest.fixture
def memory_home() -> LogHome:
    return LogHome(MemoryFiles(), "/data/log")


@pytest.fixture
def make_batch() -> Callable[..., bytes]:
    """Build a client's batch of `count` records with values of `size` bytes."""

    def make(
        count: int = 1,
        *,
        size: int = 20,
        timestamp_ms: int = NOW_MS,
        step_ms: int = 0,
        **fields: Any,
    ) -> bytes:
        records = [
            Record(b"key", bytes([i % 256]) * size, (), timestamp_ms + i * step_ms)
            for i in range(count)
        ]
        return build_batch(records, codec=fields.pop("codec", Codec.NONE), **fields)

    return make
