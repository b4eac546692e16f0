"""What a data directory's checkpoints say of its logs: read at the start, written when it changed."""

from __future__ import annotations

import logging
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


class LogCheckpoints:
    """The checkpoint files of one data directory."""

    def __init__(self, files: Files, path: str, health: DirectoryHealth) -> None:
        self._files = files
        self._path = path
        self._health = health
        self._written: dict[str, bytes] = {}
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

    def write(self, logs: Mapping[df.LogKey, PartitionLog]) -> None:
        """Write those that changed. Raises StorageError."""
        self.write_log_points(logs)
        watermarks = {key: log.checkpointed_high_watermark for key, log in logs.items()}
        cleaned = {key: log.cleaned_to for key, log in logs.items() if log.cleaned_to}
        for key, row in self.damaged.items():
            watermarks[key] = row.high_watermark
            if row.cleaned_to:
                cleaned[key] = row.cleaned_to
        self._write(df.HIGH_WATERMARKS, watermarks)
        self._write(df.CLEANED_TO, cleaned)

    def write_log_points(self, logs: Mapping[df.LogKey, PartitionLog]) -> None:
        """Recovery points and log starts alone. Raises StorageError."""
        points = {key: log.recovery_point for key, log in logs.items()}
        starts = {key: log.log_start_offset for key, log in logs.items() if log.log_start_offset}
        for key, row in self.damaged.items():
            points[key] = row.recovery_point
            if row.log_start_offset:
                starts[key] = row.log_start_offset
        self._write(df.RECOVERY_POINTS, points)
        self._write(df.LOG_STARTS, starts)

    def _write(self, name: str, offsets: Mapping[df.LogKey, int]) -> None:
        data = df.encode_offsets(offsets.items())
        if self._written.get(name) == data:
            return
        try:
            replace_file(self._files, f"{self._path}/{name}", data)
        except OSError as error:
            raise self._health.failed(f"write {name}", error) from error
        self._written[name] = data
