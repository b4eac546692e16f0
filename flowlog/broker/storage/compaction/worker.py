"""The process that cleans: `python -m flowlog.broker.storage.compaction.worker`, started on demand.

Python runs one thread at a time, so a copy in the broker's own process would take turns with its
event loop. Jobs come as lines of JSON on standard input; each finished group is a line on standard
output, and an empty line on standard input says that it was swapped in. It ends with its input.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Final

import msgspec

from flowlog.broker.storage.os_files import OsFiles
from flowlog.records.errors import CorruptBatchError, DecompressedTooLargeError

from .cleaning import clean
from .job import CleaningJob

NICENESS: Final = 5
LONGEST_SLEEP_S: Final = 1.0


class JobEnd(msgspec.Struct, frozen=True):
    """The line behind the last group of a job; `error` is empty where all went well."""

    error: str = ""
    is_end: bool = True


class ParentGoneError(Exception):
    """Nobody waits for the result any more."""


class Pacer:
    """Keeps a job to its bytes per second, and notices when the broker is gone."""

    def __init__(self, bytes_per_second: int) -> None:
        self._bytes_per_second = bytes_per_second
        self._parent = os.getppid()
        self._started_s = time.monotonic()
        self._done_bytes = 0

    def __call__(self, size_bytes: int) -> None:
        self._done_bytes += size_bytes
        if os.getppid() != self._parent:
            raise ParentGoneError
        if self._bytes_per_second:
            due_s = self._started_s + self._done_bytes / self._bytes_per_second
            ahead_s = due_s - time.monotonic()
            if ahead_s > 0.01:
                time.sleep(min(ahead_s, LONGEST_SLEEP_S))


def main() -> None:
    os.nice(NICENESS)
    files = OsFiles()
    for line in sys.stdin.buffer:
        job = msgspec.json.decode(line, type=CleaningJob)
        _say(_run(files, job))


def _run(files: OsFiles, job: CleaningJob) -> JobEnd:
    try:
        for group in clean(files, job, Pacer(job.bytes_per_second)):
            _say(group)
            if not sys.stdin.buffer.readline():
                raise ParentGoneError
    except (OSError, CorruptBatchError, DecompressedTooLargeError) as error:
        return JobEnd(str(error) or type(error).__name__)
    return JobEnd()


def _say(message: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except (ParentGoneError, BrokenPipeError, KeyboardInterrupt):
        sys.exit(1)
