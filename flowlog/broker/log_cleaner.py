"""`LogCleaner`: finds the log that needs compaction most, and has it cleaned.

The work is done by a process of its own (`CleanerProcess`); here are the choice, the flush before
it and the swap after each group, which takes a few renames and two syncs of the folder.
Source: LogCleaner and LogCleanerManager in apache/kafka.
"""

from __future__ import annotations

import logging
from contextlib import aclosing
from dataclasses import dataclass

import anyio
from anyio.lowlevel import checkpoint

from flowlog.broker.cleaner_process import CleanerProcess, CleaningFailedError
from flowlog.broker.node import Node
from flowlog.broker.replication.partition import Partition
from flowlog.broker.storage.compaction.plan import Dirty, is_worth_it
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.clock import Clock
from flowlog.errors import KafkaError, StorageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Candidate:
    log: PartitionLog
    dirty: Dirty


class LogCleaner:
    """Compacts the logs of one broker, one at a time, dirtiest first."""

    def __init__(self, node: Node, clock: Clock) -> None:
        config = node.config
        self._node = node
        self._clock = clock
        self._process = CleanerProcess()
        self._backoff_s = config.integer("log.cleaner.backoff.ms") / 1000
        self._map_bytes = config.integer("log.cleaner.dedupe.buffer.size")
        rate = config.number("log.cleaner.io.max.bytes.per.second")
        self._bytes_per_second = int(min(rate, 2**62))
        self._failed: dict[PartitionLog, str] = {}
        """What was said of logs that could not be cleaned; they are tried again, not said again."""

    async def run(self) -> None:
        """Look for work every `log.cleaner.backoff.ms`, until cancelled."""
        try:
            while True:
                await anyio.sleep(self._backoff_s)
                await self.clean_all()
                await self._process.stop()
        finally:
            await self._process.kill()

    async def clean_all(self) -> None:
        """Clean until nothing is worth it; each log at most once."""
        done: set[PartitionLog] = set()
        while (chosen := await self._choose(done)) is not None:
            done.add(chosen.log)
            try:
                await self._clean(chosen)
                self._failed.pop(chosen.log, None)
            except (CleaningFailedError, OSError, KafkaError) as error:
                self._say_failed(chosen.log, str(error))

    async def _choose(self, done: set[PartitionLog]) -> _Candidate | None:
        best: _Candidate | None = None
        for partition in tuple(self._node.partitions):
            log = partition.log
            if log in done or not log.config.is_compacted:
                continue
            dirty = self._worth_it(partition)
            if dirty is not None and (best is None or _need(dirty) > _need(best.dirty)):
                best = _Candidate(log, dirty)
            await checkpoint()  # requests go first
        return best

    def _worth_it(self, partition: Partition) -> Dirty | None:
        log = partition.log
        try:
            dirty = log.find_dirty(partition.last_stable_offset, self._clock.now_ms())
        except (StorageError, KafkaError) as error:
            self._say_failed(log, str(error))
            return None
        return dirty if dirty is not None and is_worth_it(dirty, log.config) else None

    async def _clean(self, chosen: _Candidate) -> None:
        """Clean one log and note how far.

        Raises:
            CleaningFailedError, StorageError, KafkaError: the log is as good as before.
        """
        log, started_ms = chosen.log, self._clock.monotonic_ms()
        if log.recovery_point < chosen.dirty.first_uncleanable_offset:
            await self._node.group_commit.flush(log)
        await self._node.directory.write_checkpoints()
        if log.recovery_point < chosen.dirty.first_uncleanable_offset:
            return  # It was cut meanwhile.
        job = log.cleaning_job(
            chosen.dirty,
            now_ms=self._clock.now_ms(),
            map_bytes=self._map_bytes,
            bytes_per_second=self._bytes_per_second,
        )
        before_bytes = after_bytes = 0
        cleaned_to = log.cleaned_to
        async with aclosing(self._process.clean(job)) as groups:
            async for group in groups:
                if not log.swap_in(group):
                    await self._process.kill()  # The rest was planned for segments that are gone.
                    return
                before_bytes += group.size_before_bytes
                after_bytes += group.size_bytes
                cleaned_to = group.cleaned_end_offset
        log.cleaned_to = cleaned_to
        seconds = max(1, self._clock.monotonic_ms() - started_ms) / 1000
        logger.info(
            "compacted %s up to offset %d: %.1f MB became %.1f MB in %.1f s",
            log.name,
            cleaned_to,
            before_bytes / 1e6,
            after_bytes / 1e6,
            seconds,
        )

    def _say_failed(self, log: PartitionLog, what: str) -> None:
        if self._failed.get(log) != what:
            self._failed[log] = what
            logger.warning("storage.compaction: %s is not compacted: %s", log.name, what)


def _need(dirty: Dirty) -> tuple[bool, float]:
    return dirty.is_overdue, dirty.ratio
