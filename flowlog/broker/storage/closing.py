"""Flushing every log of a directory for a clean stop, several at a time: each sync mostly waits."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from flowlog.broker.storage.partition_log import PartitionLog

CLOSING_THREADS: Final = 8
CLOSING_JOBS: Final = 64
"""Flushes under way at once while closing: each pins descriptors."""


def flush_all(logs: Iterable[PartitionLog]) -> None:
    """Flush those that need it. Raises OSError; then the directory is offline."""
    to_flush = [log for log in logs if log.prepare_close()]
    with ThreadPoolExecutor(CLOSING_THREADS) as threads:
        for start in range(0, len(to_flush), CLOSING_JOBS):
            batch = to_flush[start : start + CLOSING_JOBS]
            jobs = [log.begin_flush() for log in batch]
            results = [threads.submit(job.run) for job in jobs]
            for log, job, result in zip(batch, jobs, results, strict=True):
                error = result.exception()
                if isinstance(error, OSError):
                    log.fail_flush(job, error)
                    raise error
                log.finish_flush(job)
