"""`TransactionShard`: every transactional id of one partition of `__transaction_state`, pure.

Durable is `transactions`, which only `replay` changes; timers are soft. A transaction whose
outcome is committed is handed to `on_ended` for its markers; `complete` is called when it has
them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.commit_log import CoordinatorRecord, LogEntry
from flowlog.broker.coordinator.deadlines import DeadlineQueue
from flowlog.broker.coordinator.decision import Decision, Now

from . import records
from .adding import add_partitions, verify
from .config import TransactionConfig
from .ending import complete, end, fence
from .initializing import initialize
from .producer_ids import NoProducerIdError, ProducerIdSource
from .records import TransactionRecord
from .requests import AddPartitions, End, Ended, Initialize, Initialized
from .states import TransactionState
from .transaction import Producer, TopicPartition, Transaction

R = TypeVar("R")

RETRY_MS: Final = 1_000
TOMBSTONES_MAX: Final = 1_000  # in one batch


class TransactionShard:
    """The machine of a shard of the transaction coordinator."""

    def __init__(
        self,
        config: TransactionConfig,
        *,
        producer_ids: ProducerIdSource,
        server_version: Callable[[], int],
        on_ended: Callable[[str], None],
    ) -> None:
        """Args:
        server_version: the level of the feature transaction.version now.
        on_ended: told of each transactional id whose transaction has an outcome to hand out.
        """
        self.config = config
        self.transactions: dict[str, Transaction] = {}
        self._producer_ids = producer_ids
        self._server_version = server_version
        self._on_ended = on_ended
        self._deadlines: DeadlineQueue[str] = DeadlineQueue()
        self._expiration_check_ms: int | None = None

    # The log.

    def encode(self, record: TransactionRecord) -> CoordinatorRecord:
        return records.encode(record, value_version=min(self._server_version(), 1))

    def decode(self, entry: LogEntry) -> TransactionRecord | None:
        return records.decode(entry) if isinstance(entry, CoordinatorRecord) else None

    def replay(self, record: TransactionRecord) -> None:
        if record.transaction is None:
            self.transactions.pop(record.transactional_id, None)
        else:
            self.transactions[record.transactional_id] = record.transaction

    def on_loaded(self, now: Now) -> None:
        """Ends that were under way are taken up again, and time runs for what is ongoing."""
        for transactional_id, transaction in self.transactions.items():
            self._reschedule(transactional_id, transaction, now)
            if transaction.state.is_ending:
                self._on_ended(transactional_id)
        self._schedule_expiration(now)

    def on_unloaded(self) -> None:
        """Nothing is ever parked here."""

    # Time.

    def next_deadline_ms(self) -> int | None:
        deadline_ms = self._deadlines.next_deadline_ms()
        check_ms = self._expiration_check_ms
        if deadline_ms is None or check_ms is None:
            return check_ms if deadline_ms is None else deadline_ms
        return min(deadline_ms, check_ms)

    def on_time(self, now: Now) -> Iterable[Decision[None, TransactionRecord]]:
        for transactional_id in list(self._deadlines.pop_due(now.monotonic_ms)):
            decision = self._time_out(transactional_id, now)
            if decision is not None:
                yield decision
        if self._expiration_check_ms is not None and self._expiration_check_ms <= now.monotonic_ms:
            self._schedule_expiration(now)
            yield from self._expire_ids(now.wall_ms)

    def _time_out(
        self, transactional_id: str, now: Now
    ) -> Decision[None, TransactionRecord] | None:
        """Abort a transaction that took too long; where that fails it is tried again soon."""
        transaction = self.transactions.get(transactional_id)
        if transaction is None or transaction.state is not TransactionState.ONGOING:
            return None
        try:
            aborted = fence(
                transaction,
                now_ms=now.wall_ms,
                producer_ids=self._producer_ids,
                server_version=self._server_version(),
            )
        except NoProducerIdError:
            self._deadlines.schedule(transactional_id, now.monotonic_ms + RETRY_MS)
            return None
        return self._written(transactional_id, aborted, None, now)

    def _expire_ids(self, now_ms: int) -> Iterable[Decision[None, TransactionRecord]]:
        oldest_ms = now_ms - self.config.id_expiration_ms
        expired = [
            TransactionRecord(transactional_id, None)
            for transactional_id, transaction in self.transactions.items()
            if transaction.state.is_idle and transaction.updated_ms <= oldest_ms
        ]
        for start in range(0, len(expired), TOMBSTONES_MAX):
            yield Decision(None, tuple(expired[start : start + TOMBSTONES_MAX]))

    def _schedule_expiration(self, now: Now) -> None:
        interval_ms = self.config.id_expiration_check_interval_ms
        self._expiration_check_ms = now.monotonic_ms + interval_ms

    def _reschedule(
        self, transactional_id: str, transaction: Transaction, now: Now, at_least_ms: int = 0
    ) -> None:
        """The start is stored by the wall clock, time is then measured by the monotonic one."""
        deadline_ms = None
        if transaction.state is TransactionState.ONGOING:
            left_ms = min(transaction.deadline_ms - now.wall_ms, transaction.timeout_ms)
            deadline_ms = now.monotonic_ms + max(left_ms, at_least_ms)
        self._deadlines.schedule(transactional_id, deadline_ms)

    def _take_back(self, transactional_id: str, now: Now) -> None:
        """A write failed: what was ongoing still is, and an abort is tried again."""
        transaction = self.transactions.get(transactional_id)
        if transaction is not None:
            self._reschedule(transactional_id, transaction, now, at_least_ms=RETRY_MS)

    # What producers ask.

    def is_ending(self, transactional_id: str) -> bool:
        """Whether its transaction waits for markers, so that most requests would be put off."""
        transaction = self.transactions.get(transactional_id)
        return transaction is not None and transaction.state.is_ending

    def initialize(self, request: Initialize, now: Now) -> Decision[Initialized, TransactionRecord]:
        """Raises `NoProducerIdError`."""
        decided = initialize(
            self.transactions.get(request.transactional_id),
            request,
            now_ms=now.wall_ms,
            producer_ids=self._producer_ids,
            server_version=self._server_version(),
        )
        if isinstance(decided, ErrorCode):
            return Decision(Initialized(decided))
        answer = (
            Initialized(ErrorCode.concurrent_transactions)
            if decided.state.is_ending
            else Initialized(ErrorCode.none, decided.producer_id, decided.producer_epoch)
        )
        return self._written(request.transactional_id, decided, answer, now)

    def add_partitions(
        self, request: AddPartitions, now: Now
    ) -> Decision[ErrorCode, TransactionRecord]:
        transaction = self.transactions.get(request.transactional_id)
        decided = add_partitions(transaction, request, now_ms=now.wall_ms)
        if isinstance(decided, ErrorCode):
            return Decision(decided)
        return self._written(request.transactional_id, decided, ErrorCode.none, now)

    def verify(
        self, transactional_id: str, producer: Producer, partitions: Iterable[TopicPartition]
    ) -> Mapping[TopicPartition, ErrorCode]:
        return verify(self.transactions.get(transactional_id), producer, tuple(partitions))

    def end(self, request: End, now: Now) -> Decision[Ended, TransactionRecord]:
        """Raises `NoProducerIdError`."""
        transaction = self.transactions.get(request.transactional_id)
        decided = end(transaction, request, now_ms=now.wall_ms, producer_ids=self._producer_ids)
        if isinstance(decided, ErrorCode):
            is_retry = decided is ErrorCode.none and request.client_version >= 2
            known = transaction.producer if is_retry and transaction is not None else ()
            return Decision(Ended(decided, *known))
        after = decided.producer_after if decided.bumps_epochs else ()
        return self._written(request.transactional_id, decided, Ended(ErrorCode.none, *after), now)

    # The end.

    def complete(
        self, transactional_id: str, ended: Transaction, now: Now
    ) -> Decision[None, TransactionRecord] | None:
        """Every partition has the marker of `ended`; None: that was written down before."""
        if self.transactions.get(transactional_id) != ended:
            return None
        completed = complete(ended, now_ms=now.wall_ms)
        return Decision(None, (TransactionRecord(transactional_id, completed),))

    def _written(
        self, transactional_id: str, transaction: Transaction, answer: R, now: Now
    ) -> Decision[R, TransactionRecord]:
        """The decision to write the transaction down, and what follows when it is committed."""
        self._reschedule(transactional_id, transaction, now)

        def on_written(error: ErrorCode, now: Now) -> None:
            if error is not ErrorCode.none:
                self._take_back(transactional_id, now)
            elif transaction.state.is_ending:
                self._on_ended(transactional_id)

        record = TransactionRecord(transactional_id, transaction)
        return Decision(answer, (record,), on_written)
