"""The process that carries out compactions, from the broker's side: started when there is work.

It ends with its input, so neither a stopped nor a killed broker leaves it behind.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import anyio
import msgspec

from flowlog.broker.storage.compaction.job import CleanedGroup, CleaningJob
from flowlog.broker.storage.compaction.worker import JobEnd
from flowlog.errors import FlowlogError

WORKER: Final = "flowlog.broker.storage.compaction.worker"
LINE_MAX_BYTES: Final = 16 * 1024 * 1024
STOP_SECONDS: Final = 5.0


class CleaningFailedError(FlowlogError):
    """A cleaning ended before its time; what was not swapped in counts for nothing."""

    def __init__(self, message: str, *, is_process_gone: bool = False) -> None:
        super().__init__(message, code="CLEANING")
        self.is_process_gone = is_process_gone


class CleanerProcess:
    """One job at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def clean(self, job: CleaningJob) -> AsyncGenerator[CleanedGroup, None]:
        """Each group as it is ready. It must be swapped in before the next one is asked for.

        Raises:
            CleaningFailedError: a file or the process failed; nothing more comes.
        """
        process = await self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(msgspec.json.encode(job) + b"\n")
            while line := await process.stdout.readline():
                if b'"is_end"' in line:
                    end = msgspec.json.decode(line, type=JobEnd)
                    if end.error:
                        raise CleaningFailedError(end.error)
                    return
                yield msgspec.json.decode(line, type=CleanedGroup)
                process.stdin.write(b"\n")
        except (ConnectionError, ValueError) as error:
            await self.kill()
            raise CleaningFailedError(str(error), is_process_gone=True) from None
        await self.kill()
        raise CleaningFailedError("the cleaner's process ended", is_process_gone=True)

    async def _started(self) -> asyncio.subprocess.Process:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                WORKER,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_MAX_BYTES,
            )
        return self._process

    async def stop(self) -> None:
        """Let it end: there is nothing to do."""
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        with anyio.move_on_after(STOP_SECONDS):
            await process.wait()
            self._process = None
        await self.kill()

    async def kill(self) -> None:
        """End it at once; what it was writing is a leftover."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.wait()
