"""`Partition`: one partition on this broker, between the handlers and its log.

It knows who leads, up to where records are committed (the high watermark) and which fetches wait.
With one replica a record is committed once the log has it, or, where `flush.messages` is 1, once
the disk has it; followers and in-sync replicas join here when there is more than one broker.
"""

from __future__ import annotations

from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.origin import AppendOrigin
from flowlog.broker.storage.partition_log import AppendResult, PartitionLog
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView, end_offset_of
from flowlog.records.control import ControlType, EndTransactionMarker

from .fetch_waiter import FetchWaiter
from .verification import ONGOING, Verification, Verifications

READ_COMMITTED = 1


class Partition:
    """A partition that this broker leads.

    Invariant: `log_start_offset <= high_watermark <= log_end_offset`; the high watermark never
    goes back.
    """

    __slots__ = (
        "_group_commit",
        "_verifications",
        "_waiters",
        "high_watermark",
        "index",
        "leader_epoch",
        "log",
        "topic",
        "topic_id",
    )

    def __init__(
        self,
        topic: str,
        topic_id: UUID,
        index: int,
        log: PartitionLog,
        *,
        leader_epoch: int,
        group_commit: GroupCommit,
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.index = index
        self.log = log
        self.leader_epoch = leader_epoch
        self.high_watermark = log.log_end_offset  # what recovery kept is all there is to agree on
        log.on_high_watermark(self.high_watermark)
        self._group_commit = group_commit
        self._waiters: set[FetchWaiter] = set()
        self._verifications = Verifications()

    def __repr__(self) -> str:
        return f"Partition({self.topic}-{self.index})"

    @property
    def last_stable_offset(self) -> int:
        """Up to where transactions are decided, for good (exclusive)."""
        high_watermark = self.high_watermark
        if self.log.producers.transactions.first_unstable_offset is None:
            return high_watermark
        first = self.log.first_unstable_offset
        return high_watermark if first is None else min(first, high_watermark)

    def readable_end(self, isolation_level: int) -> int:
        """The offset (exclusive) up to which a consumer of that isolation level may read."""
        return self.last_stable_offset if isolation_level == READ_COMMITTED else self.high_watermark

    def aborted_transactions(self, start_offset: int, records: bytes) -> list[tuple[int, int]]:
        """(Producer id, first offset) of all that was aborted of `records`, read from `start_offset`.

        A reader of committed records leaves those producers' records out, each until its marker.

        Raises:
            KafkaError: CORRUPT_MESSAGE for a damaged log file.
            OSError: the disk failed.
        """
        if not records:
            return []
        aborted = self.log.aborted_transactions(start_offset, self.last_stable_offset)
        if aborted:
            end_offset = end_offset_of(records)
            return [(a.producer_id, a.first_offset) for a in aborted if a.first_offset < end_offset]
        return []

    def check_leader_epoch(self, current_leader_epoch: int) -> None:
        """Raise when the client's view of the leader is older or newer than ours; -1 is no view.

        Raises:
            KafkaError: FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH (KIP-320).
        """
        if current_leader_epoch in (-1, self.leader_epoch):
            return
        if current_leader_epoch < self.leader_epoch:
            raise KafkaError(ErrorCode.fenced_leader_epoch)
        raise KafkaError(ErrorCode.unknown_leader_epoch)

    def end_offset_for(self, leader_epoch: int) -> tuple[int, int]:
        """Where the epoch's records end: (the greatest epoch up to it, the end; exclusive).

        (-1, -1) for an epoch that the log never had.
        """
        if leader_epoch == self.leader_epoch:
            return leader_epoch, self.log.log_end_offset
        return self.log.epochs.end_offset_for(leader_epoch, self.log.log_end_offset)

    def append(
        self,
        batches: bytes | bytearray | memoryview,
        *,
        now_ms: int,
        zstd_allowed: bool = True,
        origin: AppendOrigin = AppendOrigin.CLIENT,
        verification: Verification | None = None,
    ) -> AppendResult:
        """Append one batch; `wait_committed` tells when it may be acknowledged.

        `verification`: of `begin_verification`, once the coordinator said yes.

        Raises:
            KafkaError: the batch breaks a rule; nothing was written.
            OSError: the disk failed.
        """
        if verification is not None:
            self._check_verified(RecordBatchView(batches), verification)
        result = self.log.append_as_leader(
            batches,
            leader_epoch=self.leader_epoch,
            now_ms=now_ms,
            zstd_allowed=zstd_allowed,
            origin=origin,
        )
        if verification is not None:
            self._verifications.end(RecordBatchView(batches).producer_id)
        if not self.log.must_flush_before_ack:
            self._advance_high_watermark()
        return result

    def begin_verification(self, batch: RecordBatchView, *, is_implicit: bool) -> Verification:
        """Before a client's transactional batch is appended: `ONGOING`, or its coordinator is asked.

        `is_implicit`: the coordinator is to add the partition (transaction version 2).
        """
        if self.log.producers.has_open_transaction(batch.producer_id, batch.producer_epoch):
            return ONGOING
        return self._verifications.begin(batch, is_implicit=is_implicit)

    def _check_verified(self, batch: RecordBatchView, verification: Verification) -> None:
        """Raises KafkaError INVALID_TXN_STATE or OUT_OF_ORDER_SEQUENCE_NUMBER."""
        producers, producer_id = self.log.producers, batch.producer_id
        if not producers.has_open_transaction(producer_id, batch.producer_epoch):
            is_known = producers.get(producer_id) is not None
            self._verifications.check(batch, verification, is_known=is_known)

    def append_marker(
        self,
        *,
        producer_id: int,
        producer_epoch: int,
        committed: bool,
        coordinator_epoch: int,
        transaction_version: int,
        now_ms: int,
    ) -> int:
        """End a producer's transaction in this partition, as its coordinator decided.

        A producer of which nothing is known here may be told of too. Returns the end offset for
        `wait_committed`: the transaction's outcome is readable from then on.

        Raises:
            KafkaError: INVALID_PRODUCER_EPOCH, a newer epoch wrote here (or, from transaction
                version 2 on, this very one: the marker is late); TRANSACTION_COORDINATOR_FENCED,
                a newer coordinator did. Nothing was written.
            OSError: the disk failed.
        """
        outcome = ControlType.COMMIT if committed else ControlType.ABORT
        result = self.log.append_marker(
            EndTransactionMarker(outcome, coordinator_epoch),
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            transaction_version=transaction_version,
            leader_epoch=self.leader_epoch,
            now_ms=now_ms,
        )
        self._verifications.end(producer_id)
        if not self.log.must_flush_before_ack:
            self._advance_high_watermark()
        return result.last_offset + 1

    def is_committed(self, end_offset: int) -> bool:
        """Whether every record below `end_offset` may be acknowledged and read."""
        return self.high_watermark >= end_offset

    async def wait_committed(self, end_offset: int) -> None:
        """Return once every record below `end_offset` may be acknowledged.

        Raises:
            StorageError: the disk could not keep them; they must not be acknowledged.
        """
        while self.high_watermark < end_offset:
            await self._group_commit.wait_flushed(self.log, end_offset)
            self._advance_high_watermark()

    def watch(self, waiter: FetchWaiter) -> None:
        """Tell `waiter` of records that become readable."""
        self._waiters.add(waiter)

    def unwatch(self, waiter: FetchWaiter) -> None:
        self._waiters.discard(waiter)

    def wake_all(self) -> None:
        """The partition goes away: no waiting fetch will find more here."""
        for waiter in self._waiters:
            waiter.on_gone()

    def _advance_high_watermark(self) -> None:
        """Everything that the policy asks for has happened up to the log's end, or to its flush."""
        log = self.log
        end = log.recovery_point if log.config.flush_messages == 1 else log.log_end_offset
        if end > self.high_watermark:
            if log.producers.transactions.first_unstable_offset is not None:
                self._advance_with_transactions(end)
                return
            before, self.high_watermark = self.high_watermark, end
            if self._waiters:
                size_bytes = log.size_between(before, end)
                for waiter in tuple(self._waiters):
                    waiter.on_readable(size_bytes)

    def _advance_with_transactions(self, end_offset: int) -> None:
        """As above, where readers of committed records may not get as far as the others."""
        before, stable_before = self.high_watermark, self.last_stable_offset
        self.high_watermark = end_offset
        self.log.on_high_watermark(end_offset)
        if self._waiters:
            size_bytes = self.log.size_between(before, end_offset)
            stable_bytes = self.log.size_between(stable_before, self.last_stable_offset)
            for waiter in tuple(self._waiters):
                waiter.on_readable(stable_bytes if waiter.reads_committed else size_bytes)
