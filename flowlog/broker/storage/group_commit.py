"""Group commit: one fsync answers every producer that came before it started.

The first waiter runs the flush in a worker thread; whoever comes while it runs waits for it and,
if it began too early for them, for the next, which one of them runs. So with any number of
producers a log has one fsync under way, and each waits for two at most.
"""

from __future__ import annotations

import anyio
import anyio.to_thread

from flowlog.broker.storage.flushing import FlushJob
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import StorageError

FLUSHING_THREADS = 8


class GroupCommit:
    """The flushes under way, for all logs of a broker."""

    def __init__(self) -> None:
        self._running: dict[PartitionLog, anyio.Event] = {}
        self._threads: anyio.CapacityLimiter | None = None

    async def wait_flushed(self, log: PartitionLog, offset: int) -> None:
        """Return once every record below `offset` is on the disk.

        Raises:
            StorageError: a sync failed, for this caller or an earlier one; the directory is
                offline, and nothing of this may be acknowledged.
            KafkaError: the log was deleted meanwhile.
        """
        while log.recovery_point < offset:
            running = self._running.get(log)
            if running is not None:
                await running.wait()
            elif log.log_end_offset < offset:
                raise StorageError(f"{log.name} was cut below {offset} before it was flushed")
            else:
                await self._run(log)

    async def flush(self, log: PartitionLog) -> None:
        """Flush everything that the log has now. Raises as `wait_flushed`."""
        await self.wait_flushed(log, log.log_end_offset)

    async def _run(self, log: PartitionLog) -> None:
        """One round for all who wait. The thread is not abandoned when this task is cancelled."""
        job = log.begin_flush()
        done = self._running[log] = anyio.Event()
        try:
            await self._sync(log, job)
        finally:
            del self._running[log]
            done.set()

    async def _sync(self, log: PartitionLog, job: FlushJob) -> None:
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(FLUSHING_THREADS)
        try:
            await anyio.to_thread.run_sync(job.run, limiter=self._threads)
        except OSError as error:
            log.fail_flush(job, error)
            raise StorageError(error.errno, f"flush {log.name}: {error.strerror}") from error
        except BaseException:
            log.abandon_flush(job)  # Cancelled before the thread began.
            raise
        log.finish_flush(job)
