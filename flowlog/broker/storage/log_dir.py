"""A data directory: its lock and identity, the partition logs in it, and their checkpoints."""

from __future__ import annotations

import logging
import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from flowlog.broker.storage import directory_files as df
from flowlog.broker.storage.checkpoints import (
    CorruptCheckpointError,
    PartitionMetadata,
    decode_partition_metadata,
    encode_partition_metadata,
)
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.directory_names import (
    deleted_name,
    directory_name,
    is_deleted_name,
    is_valid_topic,
    parse_directory_name,
)
from flowlog.broker.storage.environment import StorageEnvironment
from flowlog.broker.storage.files import Files, Lock, read_file, replace_file, write_file
from flowlog.broker.storage.free_space import FreeSpace
from flowlog.broker.storage.os_files import OsFiles
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.broker.storage.recovery import Checkpointed, LogRecovery, new_log
from flowlog.broker.storage.segment_names import PARTITION_METADATA
from flowlog.clock import Clock, SystemClock
from flowlog.errors import ConfigError

LOCK: Final = ".lock"
METADATA_TOPIC_ID: Final = uuid.UUID(int=1)
CLOSING_THREADS: Final = 8
CLOSING_JOBS: Final = 64
"""Flushes under way at once while closing: each pins descriptors."""

logger = logging.getLogger(__name__)


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
        self._files = environment.files
        self._lock = lock
        self._defaults = defaults
        self._clock = clock
        self._logs: dict[df.LogKey, PartitionLog] = {}
        self._written: dict[str, bytes] = {}
        self._to_remove: list[tuple[int, str]] = []

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
        if not self._files.exists(path):
            self._files.make_dir(path)
        write_file(self._files, f"{path}/{PARTITION_METADATA}", encode_partition_metadata(identity))

    def _adopt(self, log: PartitionLog) -> PartitionLog:
        log.before_truncation = self._write_log_points
        self._logs[log.topic_id, log.partition] = log
        return log

    def get(self, topic_id: uuid.UUID, partition: int) -> PartitionLog | None:
        return self._logs.get((topic_id, partition))

    def all(self) -> list[PartitionLog]:
        return list(self._logs.values())

    def delete(self, topic_id: uuid.UUID, partition: int) -> None:
        """Take a log away at once; its files go after `file.delete.delay.ms` or at the next start."""
        log = self._logs.pop((topic_id, partition))
        log.drop_files()
        if not self._files.exists(log.directory):
            return
        attempt = 0
        while self._files.exists(deleted := f"{self.path}/{self._deleted_name(log, attempt)}"):
            attempt += 1
        self._files.rename(log.directory, deleted)
        due_ms = self._clock.monotonic_ms() + log.config.file_delete_delay_ms
        self._to_remove.append((due_ms, deleted))

    def remove_deleted(self) -> int:
        """Remove the files of deleted logs whose delay is over; how many logs."""
        now_ms = self._clock.monotonic_ms()
        due = [path for due_ms, path in self._to_remove if due_ms <= now_ms]
        self._to_remove = [row for row in self._to_remove if row[0] > now_ms]
        for path in due:
            self._files.remove_dir(path)
        return len(due)

    def _deleted_name(self, log: PartitionLog, attempt: int) -> str:
        return deleted_name(directory_name(log.topic_id, log.partition), attempt)

    # Opening

    def _load(self) -> None:
        started_ms = self._clock.monotonic_ms()
        is_clean = df.take_clean_marker(self._files, self.path)
        checkpoints = [
            df.read_offsets(self._files, self.path, name)
            for name in (df.RECOVERY_POINTS, df.LOG_STARTS, df.HIGH_WATERMARKS, df.CLEANED_TO)
        ]
        for entry in self._files.list_dir(self.path):
            if not entry.is_directory:
                continue
            path = f"{self.path}/{entry.name}"
            key = parse_directory_name(entry.name)
            if key is not None:
                offsets = Checkpointed(*(offsets.get(key, 0) for offsets in checkpoints))
                identity = self._read_identity(path, key)
                self._open_log(path, identity, offsets, is_clean=is_clean)
            elif is_deleted_name(entry.name):
                self._files.remove_dir(path)
            else:
                logger.warning("storage.directory: %s is nobody's log and is left alone", path)
        if self._logs:
            logger.info(
                "storage.open: %d logs after %s stop in %d ms",
                len(self._logs),
                "a clean" if is_clean else "an unclean",
                self._clock.monotonic_ms() - started_ms,
            )

    def _open_log(
        self,
        path: str,
        identity: PartitionMetadata,
        offsets: Checkpointed,
        *,
        is_clean: bool,
    ) -> None:
        recovery = LogRecovery(
            path,
            self._environment,
            self._defaults,
            offsets,
            is_clean=is_clean,
            now_ms=self._clock.now_ms(),
        )
        self._adopt(recovery.open(identity))

    def _read_identity(self, path: str, key: df.LogKey) -> PartitionMetadata:
        """The topic's name is for people; the directory's name says whose log it is."""
        try:
            data = read_file(self._files, f"{path}/{PARTITION_METADATA}")
            identity = decode_partition_metadata(data)
            if (identity.topic_id, identity.partition) == key and is_valid_topic(identity.topic):
                return identity
        except (CorruptCheckpointError, FileNotFoundError):
            pass
        logger.warning("storage.directory: %s has no good %s", path, PARTITION_METADATA)
        return PartitionMetadata(key[0], str(key[0]), key[1])

    # Checkpoints

    def write_checkpoints(self) -> None:
        """Write those of recovery points, log starts and high watermarks that changed."""
        self.health.check()
        self.remove_deleted()
        self._write_log_points()
        self._write(
            df.HIGH_WATERMARKS,
            df.encode_offsets(
                (key, log.checkpointed_high_watermark) for key, log in self._logs.items()
            ),
        )

    def _write_log_points(self) -> None:
        points = ((key, log.recovery_point) for key, log in self._logs.items())
        self._write(df.RECOVERY_POINTS, df.encode_offsets(points))
        self._write(
            df.LOG_STARTS,
            df.encode_offsets(
                (key, log.log_start_offset)
                for key, log in self._logs.items()
                if log.log_start_offset
            ),
        )
        cleaned = ((key, log.cleaned_to) for key, log in self._logs.items() if log.cleaned_to)
        self._write(df.CLEANED_TO, df.encode_offsets(cleaned))

    def _write(self, name: str, data: bytes) -> None:
        if self._written.get(name) == data:
            return
        try:
            replace_file(self._files, f"{self.path}/{name}", data)
        except OSError as error:
            raise self.health.failed(f"write {name}", error) from error
        self._written[name] = data

    # Closing

    def close(self, *, clean: bool = True) -> None:
        """Flush every log and mark the directory clean; or, not clean, just let go of it."""
        try:
            if clean and self.health.failure is None:
                self._flush_all()
                self.write_checkpoints()
                df.write_clean_marker(self._files, self.path)
        finally:
            for log in self._logs.values():
                log.drop_files()
            self._lock.release()

    def _flush_all(self) -> None:
        """Flush what needs it, several at a time: each sync mostly waits."""
        to_flush = [log for log in self._logs.values() if log.prepare_close()]
        with ThreadPoolExecutor(CLOSING_THREADS) as threads:
            for start in range(0, len(to_flush), CLOSING_JOBS):
                logs = to_flush[start : start + CLOSING_JOBS]
                jobs = [log.begin_flush() for log in logs]
                results = [threads.submit(job.run) for job in jobs]
                for log, job, result in zip(logs, jobs, results, strict=True):
                    error = result.exception()
                    if isinstance(error, OSError):
                        log.fail_flush(job, error)
                        raise error
                    log.finish_flush(job)
