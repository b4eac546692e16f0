"""What requests wait for: records that are not yet committed, answers that are not yet decided."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import anyio
from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

from .decision import Now, Reply

R = TypeVar("R")

COMMIT_TIMEOUT_SECONDS: Final = 5.0  # Kafka's offsets.commit.timeout.ms


class Write:
    """Records that are in the log and not yet committed, and what follows when they are.

    `error` says, once `settled` is set, whether they ever will be.
    """

    __slots__ = ("end_offset", "error", "on_written", "settled")

    def __init__(
        self, end_offset: int, on_written: Callable[[ErrorCode, Now], None] | None
    ) -> None:
        self.end_offset = end_offset
        self.on_written = on_written
        self.settled = anyio.Event()
        self.error = ErrorCode.none

    def settle(self, error: ErrorCode, now: Now) -> None:
        """Tell the machine, then whoever waits."""
        self.error = error
        if self.on_written is not None:
            self.on_written(error, now)
        self.settled.set()


async def wait_committed(write: Write, response: R) -> R:
    """The response, once the records that it speaks of are committed.

    Raises:
        KafkaError: they are not, or not in time (COORDINATOR_NOT_AVAILABLE).
    """
    with anyio.move_on_after(COMMIT_TIMEOUT_SECONDS):
        await write.settled.wait()
    if not write.settled.is_set():
        raise KafkaError(ErrorCode.coordinator_not_available)
    if write.error is not ErrorCode.none:
        raise KafkaError(write.error)
    return response


async def wait_answered(reply: Reply[R]) -> R:
    """The answer of a parked request. The machine's own deadlines see to it that one comes.

    It may have come already: a request that was read in the same breath can decide this one.
    """
    if not reply.is_answered:
        answered = anyio.Event()
        reply.listen(answered.set)
        await answered.wait()
    return reply.value
