"""`TransactionCoordinator`: the shell around the transactions; what the handlers talk to.

A method returns its answer, or an awaitable of it where the log commits later, a producer id has
to be fetched or a transaction that is just ending is waited for. No method raises for what a
client did or for a shard that is away: every answer carries its error.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

import anyio
from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CommitLog
from flowlog.broker.coordinator.partitioning import partition_for
from flowlog.broker.coordinator.runtime import ShardRuntime
from flowlog.broker.coordinator.shards import Shards
from flowlog.clock import Clock
from flowlog.errors import KafkaError

from .config import TransactionConfig
from .endings import Endings
from .initializing import request_error
from .markers import MarkerPort
from .producer_ids import RefillableIds
from .refilling import RefillingIds
from .requests import AddPartitions, End, Ended, Initialize, Initialized
from .shard import TransactionShard
from .transaction import EPOCH_BUMP_SINCE, Producer, TopicPartition
from .views import Filters, TransactionView
from .writing import Answer, Writer, guarded

TRANSACTIONS_TOPIC: Final = "__transaction_state"


class TransactionCoordinator:
    """Every transactional id of this broker.

    `run` is its background task; `load` and `unload` follow the leadership of the partitions of
    `__transaction_state`.
    """

    def __init__(
        self,
        config: TransactionConfig,
        clock: Clock,
        open_log: Callable[[int], CommitLog],
        *,
        producer_ids: RefillableIds,
        markers: MarkerPort,
        server_version: Callable[[], int],
        coordinator_epoch: Callable[[int], int],
    ) -> None:
        """Args:
        server_version: the level of the feature transaction.version now.
        coordinator_epoch: the leader epoch of a partition of `__transaction_state`.
        """
        self.config = config
        self._clock = clock
        self._producer_ids = ids = RefillingIds(producer_ids)
        self._endings = Endings(
            self._shard, markers, lambda name: coordinator_epoch(self.partition_for(name))
        )
        self._writer = Writer(self._shard, self._endings, ids)
        self._shards: Shards[TransactionShard] = Shards(
            TRANSACTIONS_TOPIC,
            clock=clock,
            new_machine=lambda: TransactionShard(
                config,
                producer_ids=ids,
                server_version=server_version,
                on_ended=self._endings.add,
            ),
            open_log=open_log,
        )

    # Lifecycle.

    async def run(self) -> None:
        """Serve timers and commits, and hand out markers, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._shards.run)
            tasks.start_soon(self._endings.run)
            tasks.start_soon(self._producer_ids.run)

    async def load(self, partition: int) -> None:
        """Take over a partition of `__transaction_state`; does nothing if it is ours already."""
        await self._shards.load(partition)
        self._endings.send()

    def unload(self, partition: int) -> None:
        """Give up a partition; who leads it next takes up what was ending."""
        self._shards.unload(partition)

    def shutdown(self) -> None:
        self._shards.unload_all()

    def partition_for(self, transactional_id: str) -> int:
        """The partition of `__transaction_state` that holds the transactional id."""
        return partition_for(transactional_id, self.config.partition_count)

    # What producers ask.

    def initialize(self, request: Initialize) -> Answer[Initialized]:
        """InitProducerId with a transactional id."""
        error = request_error(request, self.config)
        if error is not ErrorCode.none:
            return Initialized(error)
        return self._writer.write(
            request.transactional_id,
            lambda shard, now: shard.initialize(request, now),
            Initialized,
        )

    def add_partitions(self, request: AddPartitions) -> Answer[ErrorCode]:
        """Make the partitions part of the transaction, beginning it with the first."""
        return self._writer.write(
            request.transactional_id,
            lambda shard, now: shard.add_partitions(request, now),
            lambda error: error,
        )

    def verify(
        self,
        transactional_id: str,
        producer: Producer,
        partitions: Collection[TopicPartition],
    ) -> Answer[Mapping[TopicPartition, ErrorCode]]:
        """Whether each partition is part of the producer's ongoing transaction."""
        verified = self._verify_now(transactional_id, producer, partitions)
        try:
            answer = self._shard(transactional_id).read(verified)
        except KafkaError:
            return verified  # which says so
        if isinstance(answer, Awaitable):
            return guarded(answer, lambda error: dict.fromkeys(partitions, error))
        return answer

    def _verify_now(
        self, transactional_id: str, producer: Producer, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, ErrorCode]:
        """As `verify`, of a state that may not be committed yet."""
        if not transactional_id:
            return dict.fromkeys(partitions, ErrorCode.invalid_request)
        try:
            shard = self._shard(transactional_id).machine
        except KafkaError as error:
            return dict.fromkeys(partitions, error.error_code)
        return shard.verify(transactional_id, producer, partitions)

    def end(self, request: End) -> Answer[Ended]:
        """EndTxn; answered once the outcome is certain, be it not yet everywhere."""
        return self._writer.write(
            request.transactional_id, lambda shard, now: shard.end(request, now), Ended
        )

    async def admit(
        self,
        transactional_id: str,
        *,
        producer_id: int,
        producer_epoch: int,
        partitions: Collection[TopicPartition],
        is_implicit: bool,
    ) -> Mapping[TopicPartition, ErrorCode]:
        """Whether records may be written to each partition within the producer's transaction.

        `is_implicit`: they are made part of it, as clients of transaction version 2 expect.
        What is answered is so at the moment when this returns, which is when the caller goes on.
        """
        producer = Producer(producer_id, producer_epoch)
        if is_implicit:
            added = self.add_partitions(
                AddPartitions(transactional_id, producer, frozenset(partitions), EPOCH_BUMP_SINCE)
            )
            error = await added if isinstance(added, Awaitable) else added
            if error is not ErrorCode.none:
                return dict.fromkeys(partitions, _as_heard_by_writers(error))
        elif not self.config.verifies_partitions:
            return dict.fromkeys(partitions, ErrorCode.none)
        verified = self.verify(transactional_id, producer, partitions)
        if isinstance(verified, Awaitable):
            before = await verified
            after = self._verify_now(transactional_id, producer, partitions)
            verified = {key: _first_error(before[key], after[key]) for key in partitions}
        return {key: _as_heard_by_writers(error) for key, error in verified.items()}

    # Administration.

    def describe(self, transactional_id: str) -> TransactionView:
        """A transaction as it is now.

        Raises:
            KafkaError: TRANSACTIONAL_ID_NOT_FOUND, INVALID_REQUEST for an empty id, or it is not
                served here, or not yet.
        """
        if not transactional_id:
            raise KafkaError(ErrorCode.invalid_request)
        transaction = self._shard(transactional_id).machine.transactions.get(transactional_id)
        if transaction is None:
            raise KafkaError(ErrorCode.transactional_id_not_found)
        return TransactionView(transactional_id, transaction)

    def list_transactions(self, filters: Filters) -> list[TransactionView]:
        """The transactions of this broker that are wanted.

        Raises:
            KafkaError: COORDINATOR_LOAD_IN_PROGRESS while any of them is being loaded.
        """
        now_ms = self._clock.now_ms()
        found: list[TransactionView] = []
        for shard in self._shards:
            shard.check_active()
            views = (TransactionView(*item) for item in shard.machine.transactions.items())
            found += (view for view in views if filters.accepts(view, now_ms))
        return found

    # Inside.

    def _shard(self, transactional_id: str) -> ShardRuntime[TransactionShard]:
        return self._shards.get(self.partition_for(transactional_id))


def _first_error(*errors: ErrorCode) -> ErrorCode:
    return next((error for error in errors if error is not ErrorCode.none), ErrorCode.none)


def _as_heard_by_writers(error: ErrorCode) -> ErrorCode:
    """Who writes records knows epochs, and not transactional ids, as being fenced by."""
    return ErrorCode.invalid_producer_epoch if error is ErrorCode.producer_fenced else error
