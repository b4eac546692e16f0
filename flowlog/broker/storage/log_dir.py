"""A data directory: its lock and identity, the partition logs in it, and their checkpoints."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    PartitionMetadata,
    decode_partition_metadata,
    encode_partition_metadata,
)
from flowlog.broker.storage.closing import flush_all
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.damage import DamagedLogError
from flowlog.broker.storage.deleted_logs import DeletedLogs
from flowlog.broker.storage.directory_names import (
    directory_name,
    is_deleted_name,
    is_valid_topic,
    parse_directory_name,
)
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.files import Files, Lock, read_file, write_file
from flowlog.broker.storage.free_space import FreeSpace
from flowlog.broker.storage.log_checkpoints import LogCheckpoints
from flowlog.broker.storage.new_log import new_log
from flowlog.broker.storage.os_files import OsFiles
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.recovery import LogRecovery
from flowlog.broker.storage.segment_names import PARTITION_METADATA
from flowlog.clock import Clock, SystemClock
from flowlog.errors import ConfigError

LOCK: Final = ".lock"
METADATA_TOPIC_ID: Final = uuid.UUID(int=1)

logger = logging.getLogger(__name__)


class DamagedLog(NamedTuple):
    """A log that could not be opened as it was flushed."""

    directory: str
    identity: PartitionMetadata
    reason: str


class LogDirectory:
    """Every partition log of one data directory.

    Raises OSError from whatever touches the disk; `health.failure` says whether it went offline.
    """

    def __init__(
        self,
        path: str,
        environment: StorageEnvironment,
        lock: Lock,
        *,
        defaults: LogConfig,
        clock: Clock,
        identity: dict[str, str],
    ) -> None:
        """Use `open`."""
        self.path = path
        self.health = environment.health
        self.cluster_id = identity["cluster.id"]
        self.directory_id = identity.get("directory.id", "")
        self.reserved: set[uuid.UUID] = {METADATA_TOPIC_ID}
        """Topic ids whose logs belong to the broker itself; no topic has to name them."""
        self._environment = environment
        self.files = environment.files
        self._lock = lock
        self._defaults = defaults
        self._clock = clock
        self._logs: dict[df.LogKey, PartitionLog] = {}
        self.damaged: dict[df.LogKey, DamagedLog] = {}
        """Logs that are offline: nothing of them is served, and nothing changed."""
        self._checkpoints = LogCheckpoints(environment.files, path, environment.health)
        self._deleted = DeletedLogs(environment.files, clock)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        node_id: int = 1,
        cluster_id: str | None = None,
        defaults: LogConfig | None = None,
        files: Files | None = None,
        clock: Clock | None = None,
        open_files_max: int | None = None,
        free_bytes_floor: int = -1,
    ) -> LogDirectory:
        """Take a directory over and open its logs, recovering what a crash left.

        `free_bytes_floor` is what clients may not fill, as `FreeSpace` has it.

        Raises:
            ConfigError: it is in use, or another broker's, or of a newer format.
            OSError: it cannot be read or written.
        """
        files = files or OsFiles()
        root = os.path.abspath(path)
        files.make_dirs(root)
        try:
            lock = files.lock(f"{root}/{LOCK}")
        except BlockingIOError:
            raise ConfigError(
                f"the data directory {root} is in use by another process",
                hint="one broker owns a data directory; stop the other one or choose another path",
            ) from None
        try:
            identity = df.open_identity(files, root, cluster_id=cluster_id, node_id=node_id)
            environment = StorageEnvironment(
                files,
                open_files_max=open_files_max,
                free_space=FreeSpace(files, root, floor_bytes=free_bytes_floor),
            )
            directory = cls(
                root,
                environment,
                lock,
                defaults=defaults or LogConfig(),
                clock=clock or SystemClock(),
                identity=identity,
            )
            directory._load()
        except BaseException:
            lock.release()
            raise
        return directory

    # The logs

    def create(
        self, topic: str, topic_id: uuid.UUID, partition: int, config: LogConfig | None = None
    ) -> PartitionLog:
        """Make an empty log. Its files are made with its first record, durable with a flush."""
        assert is_valid_topic(topic), topic
        assert (topic_id, partition) not in self._logs, (topic, partition)
        assert (topic_id, partition) not in self.damaged, (topic, partition)
        self.health.check()
        path = f"{self.path}/{directory_name(topic_id, partition)}"
        identity = PartitionMetadata(topic_id, topic, partition)
        log = new_log(
            path,
            self._environment,
            config or self._defaults,
            identity,
            prepare=lambda: self._make_directory(path, identity),
            now_ms=self._clock.now_ms(),
        )
        return self._adopt(log)

    def _make_directory(self, path: str, identity: PartitionMetadata) -> None:
        if not self.files.exists(path):
            self.files.make_dir(path)
        write_file(self.files, f"{path}/{PARTITION_METADATA}", encode_partition_metadata(identity))

    def _adopt(self, log: PartitionLog) -> PartitionLog:
        log.before_truncation = self._write_log_points
        self._logs[log.topic_id, log.partition] = log
        return log

    def _write_log_points(self) -> None:
        self._checkpoints.write_log_points(self._logs)

    def __len__(self) -> int:
        """How many logs there are."""
        return len(self._logs)

    def has(self, topic_id: uuid.UUID, partition: int) -> bool:
        """Whether there is such a log, damaged or not."""
        return (topic_id, partition) in self._logs or (topic_id, partition) in self.damaged

    def is_damaged(self, topic_id: uuid.UUID, partition: int) -> bool:
        """Whether the log is offline because of what was found in its files."""
        return (topic_id, partition) in self.damaged

    def get(self, topic_id: uuid.UUID, partition: int) -> PartitionLog | None:
        return self._logs.get((topic_id, partition))

    def all(self) -> list[PartitionLog]:
        return list(self._logs.values())

    def delete(self, topic_id: uuid.UUID, partition: int) -> None:
        """Take a log away at once; its files go after `file.delete.delay.ms` or at the next start."""
        key = topic_id, partition
        damaged = self.damaged.pop(key, None)
        if damaged is not None:
            del self._checkpoints.damaged[key]
            self._deleted.add(damaged.directory, delay_ms=self._defaults.file_delete_delay_ms)
            return
        log = self._logs.pop(key)
        log.drop_files()
        self._deleted.add(log.directory, delay_ms=log.config.file_delete_delay_ms)

    def remove_deleted(self) -> int:
        """Remove the files of deleted logs whose delay is over; how many logs."""
        return self._deleted.remove_due()

    # Opening

    def _load(self) -> None:
        started_ms = self._clock.monotonic_ms()
        unclosed = df.take_clean_marker(self.files, self.path)
        if not self._checkpoints.has_recovery_points:
            unclosed = None
        for entry in self.files.list_dir(self.path):
            if not entry.is_directory:
                continue
            path = f"{self.path}/{entry.name}"
            key = parse_directory_name(entry.name)
            if key is not None:
                self._open_log(path, key, is_clean=unclosed is not None and key not in unclosed)
            elif is_deleted_name(entry.name):
                self.files.remove_dir(path)
            else:
                logger.warning("storage.directory: %s is nobody's log and is left alone", path)
        if self._logs:
            logger.info(
                "storage.open: %d logs after %s stop in %d ms",
                len(self._logs),
                "an unclean" if unclosed is None else "a clean",
                self._clock.monotonic_ms() - started_ms,
            )

    def _open_log(self, path: str, key: df.LogKey, *, is_clean: bool) -> None:
        identity = self._read_identity(path, key)
        checkpointed = self._checkpoints.of(key)
        recovery = LogRecovery(
            path,
            self._environment,
            self._defaults,
            checkpointed,
            is_clean=is_clean,
            now_ms=self._clock.now_ms(),
        )
        try:
            self._adopt(recovery.open(identity))
        except DamagedLogError as error:
            logger.error(
                "storage.damage: %s-%d is offline: %s",
                identity.topic,
                identity.partition,
                error.strerror,
            )
            self.damaged[key] = DamagedLog(path, identity, str(error.strerror))
            self._checkpoints.damaged[key] = checkpointed

    def _read_identity(self, path: str, key: df.LogKey) -> PartitionMetadata:
        """The topic's name is for people; the directory's name says whose log it is."""
        try:
            data = read_file(self.files, f"{path}/{PARTITION_METADATA}")
            identity = decode_partition_metadata(data)
            if (identity.topic_id, identity.partition) == key and is_valid_topic(identity.topic):
                return identity
        except (CorruptCheckpointError, FileNotFoundError):
            pass
        logger.warning("storage.directory: %s has no good %s", path, PARTITION_METADATA)
        return PartitionMetadata(key[0], str(key[0]), key[1])

    # Checkpoints

    def begin_checkpoints(self) -> Callable[[], None]:
        """Note recovery points, log starts and high watermarks; what is returned writes those that
        changed, in any thread. Both raise StorageError.
        """
        self.health.check()
        self.remove_deleted()
        return partial(self._checkpoints.run, self._checkpoints.begin(self._logs))

    def write_checkpoints(self) -> None:
        """Write them here and now. Raises StorageError."""
        self.begin_checkpoints()()

    # Closing

    def close(self, *, clean: bool = True) -> None:
        """Flush every log and mark the directory clean; or, not clean, just let go of it."""
        try:
            if clean and self.health.failure is None:
                flush_all(self._logs.values())
                self.write_checkpoints()
                df.write_clean_marker(self.files, self.path, self.damaged)
        finally:
            for log in self._logs.values():
                log.drop_files()
            self._lock.release()
