"""What a data directory's checkpoints say of its logs: read at the start, written when it changed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.environment import DirectoryHealth
from flowlog.broker.storage.files import Files, replace_file
from flowlog.broker.storage.partition_log import PartitionLog

logger = logging.getLogger(__name__)

NOTHING: Final[Mapping[df.LogKey, int]] = {}


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """What the checkpoints say of one log."""

    recovery_point: int = 0
    log_start_offset: int = 0
    high_watermark: int = 0
    cleaned_to: int = 0


class WrittenCheckpoints:
    """What the files of one directory hold, and by which job; one job writes at a time."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.contents: dict[str, bytes] = {}
        self.numbers: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class CheckpointJob:
    """Checkpoint files to write, by name.

    A later job's content stays: a truncation writes what it takes back while a thread may be at
    what was before.
    """

    files: Files
    path: str
    contents: Mapping[str, bytes]
    number: int
    written: WrittenCheckpoints

    def run(self) -> None:
        """Write those that changed. Raises OSError."""
        with self.written.lock:
            for name, data in self.contents.items():
                if self.written.numbers.get(name, 0) < self.number:
                    self._write(name, data)

    def _write(self, name: str, data: bytes) -> None:
        if self.written.contents.get(name) != data:
            replace_file(self.files, f"{self.path}/{name}", data)
            self.written.contents[name] = data
        self.written.numbers[name] = self.number


class LogCheckpoints:
    """The checkpoint files of one data directory."""

    def __init__(self, files: Files, path: str, health: DirectoryHealth) -> None:
        self._files = files
        self._path = path
        self._health = health
        self._written = WrittenCheckpoints()
        self._number = 0
        self.damaged: dict[df.LogKey, Checkpointed] = {}
        """Logs that are offline: their rows stay as they were."""
        self._read = {name: df.read_offsets(files, path, name) for name in df.CHECKPOINTS}

    @property
    def has_recovery_points(self) -> bool:
        """Whether it is known up to where logs were flushed, and so where they were closed."""
        return self._read[df.RECOVERY_POINTS] is not None

    def of(self, key: df.LogKey) -> Checkpointed:
        """As it was read; zeros where nothing was said."""
        points, starts, watermarks, cleaned = (
            (self._read[name] or NOTHING).get(key, 0) for name in df.CHECKPOINTS
        )
        return Checkpointed(points, starts, watermarks, cleaned)

    def begin(self, logs: Mapping[df.LogKey, PartitionLog]) -> CheckpointJob:
        """What is to be written of the logs as they are now."""
        watermarks = {key: log.checkpointed_high_watermark for key, log in logs.items()}
        cleaned = {key: log.cleaned_to for key, log in logs.items() if log.cleaned_to}
        for key, row in self.damaged.items():
            watermarks[key] = row.high_watermark
            if row.cleaned_to:
                cleaned[key] = row.cleaned_to
        offsets = self._log_points(logs)
        offsets[df.HIGH_WATERMARKS] = watermarks
        offsets[df.CLEANED_TO] = cleaned
        return self._job(offsets)

    def write_log_points(self, logs: Mapping[df.LogKey, PartitionLog]) -> None:
        """Recovery points and log starts alone, at once. Raises StorageError."""
        self.run(self._job(self._log_points(logs)))

    def run(self, job: CheckpointJob) -> None:
        """Write it, in any thread. Raises StorageError."""
        try:
            job.run()
        except OSError as error:
            raise self._health.failed("write checkpoints", error) from error

    def _log_points(
        self, logs: Mapping[df.LogKey, PartitionLog]
    ) -> dict[str, dict[df.LogKey, int]]:
        points = {key: log.recovery_point for key, log in logs.items()}
        starts = {key: log.log_start_offset for key, log in logs.items() if log.log_start_offset}
        for key, row in self.damaged.items():
            points[key] = row.recovery_point
            if row.log_start_offset:
                starts[key] = row.log_start_offset
        return {df.RECOVERY_POINTS: points, df.LOG_STARTS: starts}

    def _job(self, offsets: Mapping[str, Mapping[df.LogKey, int]]) -> CheckpointJob:
        self._number += 1
        contents = {name: df.encode_offsets(rows.items()) for name, rows in offsets.items()}
        return CheckpointJob(self._files, self._path, contents, self._number, self._written)
