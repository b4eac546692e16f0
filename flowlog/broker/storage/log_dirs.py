"""All data directories of a broker (`log.dirs`) as one place for partition logs.

A new log goes where the fewest are. A directory that fails is offline with its logs, and the others
serve on; one that cannot be opened at the start is left out, unless it is the first, which holds
the metadata log.
"""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from anyio import to_thread

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.files import Files
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.clock import Clock
from flowlog.errors import ConfigError, StorageError

METADATA_DIRECTORY: Final = 0

logger = logging.getLogger(__name__)


class DirectoryStatus(NamedTuple):
    """One of `log.dirs`, for people who ask."""

    path: str
    is_offline: bool


class LogDirectories:
    """What `LogDirectory` is for one folder, for several. Never empty."""

    def __init__(self, directories: Sequence[LogDirectory], *, missing: Sequence[str] = ()) -> None:
        """`missing`: paths that could not be opened; logs may lie there that nobody knows of."""
        self._directories = list(directories)
        self._missing = list(missing)
        first = self._directories[METADATA_DIRECTORY]
        self.cluster_id = first.cluster_id
        self.directory_id = first.directory_id
        self.reserved = first.reserved

    @classmethod
    def open(
        cls,
        paths: Sequence[str | os.PathLike[str]],
        *,
        node_id: int = 1,
        cluster_id: str | None = None,
        files: Files | None = None,
        clock: Clock | None = None,
        free_bytes_floor: int = -1,
    ) -> LogDirectories:
        """Open them all, as `LogDirectory.open` does.

        Raises:
            ConfigError: one is in use, another broker's, or of a newer format; or two of them hold
                the same log.
            OSError: the first cannot be read or written.
        """
        opened: list[LogDirectory] = []
        missing: list[str] = []
        try:
            for path in paths:
                try:
                    directory = LogDirectory.open(
                        path,
                        node_id=node_id,
                        cluster_id=opened[0].cluster_id if opened else cluster_id,
                        files=files,
                        clock=clock,
                        free_bytes_floor=free_bytes_floor,
                    )
                except OSError as error:
                    if not opened:
                        raise
                    logger.error("storage.offline: %s cannot be opened: %s", path, error)
                    missing.append(str(Path(path).absolute()))
                else:
                    opened.append(directory)
            _check_each_log_is_once(opened)
        except BaseException:
            for directory in opened:
                directory.close(clean=False)
            raise
        missing += _those_that_went(opened, is_told=bool(missing))
        return cls(opened, missing=missing)

    # The logs

    def create(
        self, topic: str, topic_id: uuid.UUID, partition: int, config: LogConfig | None = None
    ) -> PartitionLog:
        """Make an empty log. Raises StorageError if no directory can take it."""
        return self._place(topic_id).create(topic, topic_id, partition, config)

    def _place(self, topic_id: uuid.UUID) -> LogDirectory:
        first = self._directories[METADATA_DIRECTORY]
        if topic_id in self.reserved:
            return first
        usable = [d for d in self._directories if d.health.failure is None]
        return min(usable, key=len, default=first)

    def get(self, topic_id: uuid.UUID, partition: int) -> PartitionLog | None:
        for directory in self._directories:
            log = directory.get(topic_id, partition)
            if log is not None:
                return log
        return None

    def is_damaged(self, topic_id: uuid.UUID, partition: int) -> bool:
        """Whether the log is offline because of what was found in its files."""
        return any(d.is_damaged(topic_id, partition) for d in self._directories)

    def may_hold(self, topic_id: uuid.UUID, partition: int) -> bool:
        """Whether a log that `get` does not find may have records all the same."""
        return bool(self._missing) or self.is_damaged(topic_id, partition)

    def all(self) -> list[PartitionLog]:
        return [log for directory in self._directories for log in directory.all()]

    def damaged(self) -> list[tuple[uuid.UUID, int]]:
        return [key for directory in self._directories for key in directory.damaged]

    def delete(self, topic_id: uuid.UUID, partition: int) -> None:
        """Take a log away, damaged or not, at once; its files go later. No log is fine, too.

        Raises OSError.
        """
        for directory in self._directories:
            if directory.has(topic_id, partition):
                directory.delete(topic_id, partition)

    # The directories

    def path_of(self, log: PartitionLog) -> str:
        """The data directory that a log lies in."""
        return log.directory.rpartition("/")[0]

    def statuses(self) -> list[DirectoryStatus]:
        found = [DirectoryStatus(d.path, d.health.failure is not None) for d in self._directories]
        return found + [DirectoryStatus(path, is_offline=True) for path in self._missing]

    async def write_checkpoints(self) -> None:
        """Of every directory that is not offline, in a thread: it takes up to eight syncs of the
        disk. Raises StorageError, the others are written.
        """
        failed: StorageError | None = None
        for directory in self._directories:
            if directory.health.failure is None:
                try:
                    await to_thread.run_sync(directory.begin_checkpoints())
                except StorageError as error:
                    failed = error
        if failed is not None:
            raise failed

    def close(self, *, clean: bool = True) -> None:
        """Close them all as `LogDirectory.close` does; raises the first error at the end."""
        failed: OSError | None = None
        for directory in self._directories:
            try:
                directory.close(clean=clean)
            except OSError as error:
                failed = failed or error
        if failed is not None:
            raise failed


def _those_that_went(directories: Sequence[LogDirectory], *, is_told: bool) -> list[str]:
    """Ids of directories that were there before and are not among these; they are kept in mind.

    A disk that is not mounted leaves an empty folder: what lay on it must not begin anew. `is_told`
    says that some path could not be opened: then it is not known which id is missing.
    """
    first = directories[METADATA_DIRECTORY]
    known = df.read_ids(first.files, first.path)
    ids = {directory.directory_id for directory in directories}
    gone = sorted(known - ids)
    if (len(directories) > 1 or known) and not ids <= known:
        df.write_ids(first.files, first.path, known | ids)
    if not gone or is_told:
        return []
    logger.error(
        "storage.offline: %s held partitions and is not among log.dirs: they are offline",
        ", ".join(f"directory.id {directory_id}" for directory_id in gone),
    )
    return [f"directory.id {directory_id}" for directory_id in gone]


def _check_each_log_is_once(directories: Sequence[LogDirectory]) -> None:
    places: dict[tuple[uuid.UUID, int], str] = {}
    for directory in directories:
        for log in directory.all():
            other = places.setdefault((log.topic_id, log.partition), directory.path)
            if other != directory.path:
                raise ConfigError(
                    f"log.dirs: {log.name} lies in {other} and in {directory.path}",
                    hint="one of the folders is a copy: leave it out, or move the partition away",
                )
