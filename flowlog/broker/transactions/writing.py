"""`Writer`: has a shard decide, writes what it decided, and answers. Errors are answers too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Decision, Now, Reply
from flowlog.broker.coordinator.runtime import ShardRuntime
from flowlog.broker.coordinator.write_errors import client_error
from flowlog.errors import KafkaError

from .endings import Endings, FindShard
from .producer_ids import NoProducerIdError, RefillableIds
from .shard import TransactionShard

R = TypeVar("R")

Answer: TypeAlias = R | Awaitable[R]
Decide: TypeAlias = Callable[[TransactionShard, Now], Decision[R, Any]]
Failed: TypeAlias = Callable[[ErrorCode], R]


class Writer:
    """Where a decision can be written and answered at once, nothing suspends."""

    def __init__(self, find_shard: FindShard, endings: Endings, ids: RefillableIds) -> None:
        self._find_shard = find_shard
        self._endings = endings
        self._ids = ids

    def write(self, transactional_id: str, decide: Decide[R], failed: Failed[R]) -> Answer[R]:
        """Decide and write; whatever is in the way becomes the answer of `failed`.

        An end that is under way is waited for a little: a client that was told to come again
        would be the slower for it.
        """
        try:
            shard = self._find_shard(transactional_id)
            if shard.machine.is_ending(transactional_id):
                return self._write_later(transactional_id, decide, failed)
            answer = _carry_out(shard, decide(shard.machine, shard.now()))
            self._endings.send()
        except NoProducerIdError:
            return self._write_later(transactional_id, decide, failed)
        except KafkaError as error:
            return failed(error.error_code)
        return guarded(answer, failed) if isinstance(answer, Awaitable) else answer

    async def _write_later(self, transactional_id: str, decide: Decide[R], failed: Failed[R]) -> R:
        """As `write`, when what is missing is there."""
        await self._endings.wait_for(transactional_id)
        try:
            while True:
                shard = self._find_shard(transactional_id)
                try:
                    decision = decide(shard.machine, shard.now())
                except NoProducerIdError:
                    await self._ids.refill()
                    continue
                answer = _carry_out(shard, decision)
                self._endings.send()
                return await answer if isinstance(answer, Awaitable) else answer
        except (KafkaError, OSError) as error:
            return failed(client_error(error))


def _carry_out(shard: ShardRuntime[TransactionShard], decision: Decision[R, Any]) -> Answer[R]:
    """The answer of a decision. What it says of the state is true once that is committed, too.

    Raises:
        KafkaError: the records could not be appended; durable state is as before.
    """
    if decision.records:
        return shard.write(decision)
    assert not isinstance(decision.response, Reply), "nothing is ever parked here"
    return shard.read(decision.response)


async def guarded(answer: Awaitable[R], failed: Failed[R]) -> R:
    """The answer, or that of `failed` if it cannot be had."""
    try:
        return await answer
    except KafkaError as error:
        return failed(error.error_code)
