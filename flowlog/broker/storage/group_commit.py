"""Group commit: one fsync answers every producer that came before it started.

The first waiter begins a flush in a worker thread; whoever comes while it runs waits, and is served
by the next one, which begins as soon as this one ends. So with any number of producers a log has
one fsync under way, and each waits for two at most.

A flush belongs to no waiter: those who give up change nothing for the others. All of it runs by
callbacks of the event loop, for a task would cost more than the rest of a small request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from flowlog.broker.storage.flushing import FlushJob
from flowlog.broker.storage.partition_log import PartitionLog
from flowlog.errors import StorageError

FLUSHING_THREADS: Final = 8

_Waiting = deque[tuple[int, asyncio.Future[None]]]


class GroupCommit:
    """The flushes under way, for all logs of a broker. Runs on one event loop."""

    def __init__(self) -> None:
        self._rounds: dict[PartitionLog, _Waiting] = {}
        """For each log that is being flushed, who waits up to which offset."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._threads = ThreadPoolExecutor(FLUSHING_THREADS, thread_name_prefix="flowlog-flush")

    async def wait_flushed(self, log: PartitionLog, offset: int) -> None:
        """Return once every record below `offset` is on the disk.

        Raises:
            StorageError: a sync failed, for this caller or an earlier one; the directory is
                offline, and nothing of this may be acknowledged.
            KafkaError: the log was deleted meanwhile.
        """
        while log.recovery_point < offset:
            if log.log_end_offset < offset:
                raise StorageError(f"{log.name} was cut below {offset} before it was flushed")
            waiting = self._rounds.get(log)
            if waiting is None:
                self._begin(log)
                waiting = self._rounds[log] = deque()
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting.append((offset, done))
            await done

    async def flush(self, log: PartitionLog) -> None:
        """Flush everything that the log has now. Raises as `wait_flushed`."""
        await self.wait_flushed(log, log.log_end_offset)

    async def close(self) -> None:
        """Return when no flush is under way; none may begin any more."""
        await self._idle.wait()
        self._threads.shutdown()

    def _begin(self, log: PartitionLog) -> None:
        job = log.begin_flush()
        self._idle.clear()
        running = asyncio.get_running_loop().run_in_executor(self._threads, job.run)
        running.add_done_callback(partial(self._end, log, job))

    def _end(self, log: PartitionLog, job: FlushJob, running: asyncio.Future[None]) -> None:
        """Answer those whom the job served, and begin the next one if there are others."""
        waiting = self._rounds[log]
        try:
            _finish(log, job, running)
            _answer(waiting, log)
            if waiting:
                self._begin(log)
                return
        except Exception as error:
            _refuse(waiting, error)
        del self._rounds[log]
        if not self._rounds:
            self._idle.set()


def _finish(log: PartitionLog, job: FlushJob, running: asyncio.Future[None]) -> None:
    error = running.exception()
    if error is None:
        log.finish_flush(job)
    elif isinstance(error, OSError):
        log.fail_flush(job, error)
        raise StorageError(error.errno, f"flush {log.name}: {error.strerror}") from error
    else:
        log.abandon_flush(job)
        raise error


def _answer(waiting: _Waiting, log: PartitionLog) -> None:
    """Wake those who need no other flush, as they are served or wait for what was cut away."""
    while waiting and not log.recovery_point < waiting[0][0] <= log.log_end_offset:
        _, done = waiting.popleft()
        if not done.done():  # Its waiter may have been cancelled.
            done.set_result(None)


def _refuse(waiting: _Waiting, error: Exception) -> None:
    for _, done in waiting:
        if not done.done():
            done.set_exception(error)
