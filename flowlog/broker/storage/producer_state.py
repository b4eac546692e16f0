"""What a partition remembers of each producer, so that a batch sent twice is written once.

Per producer id: its epoch, its last five batches, and the first offset of its open transaction.
Pure: the log asks `check` before it writes and calls `record` after, and again for each stored
batch when it replays.

Order of the checks: a batch equal to a remembered one is a duplicate and answered with its old
offsets; an older epoch is fenced; a new epoch starts at sequence 0; within an epoch sequences
follow on one another, 2^31 - 1 being followed by 0. A producer that is not known may start
anywhere: its state may have expired, or gone with deleted records.

Source: ProducerStateManager, ProducerAppendInfo in apache/kafka, storage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from kio.schema.errors import ErrorCode

from flowlog.broker.storage.unstable import CompletedTransaction, UnstableTransactions
from flowlog.errors import KafkaError
from flowlog.records.batch import NO_SEQUENCE, RecordBatchView, add_to_sequence
from flowlog.records.control import ControlType, EndTransactionMarker

CACHED_BATCHES_MAX: Final = 5
"""As many as an idempotent client keeps in flight at most."""
NO_OFFSET: Final = -1
NO_COORDINATOR_EPOCH: Final = -1


class CachedBatch(NamedTuple):
    """One batch that was written, by the numbers that a retry would carry again."""

    base_sequence: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int

    @property
    def base_offset(self) -> int:
        return self.last_offset - self.offset_delta


class ProducerEntry:
    """The state of one producer id."""

    __slots__ = (
        "batches",
        "coordinator_epoch",
        "epoch",
        "last_timestamp_ms",
        "last_used_ms",
        "producer_id",
        "transaction_first_offset",
    )

    def __init__(self, producer_id: int, epoch: int) -> None:
        self.producer_id = producer_id
        self.epoch = epoch
        self.batches: deque[CachedBatch] = deque(maxlen=CACHED_BATCHES_MAX)
        self.coordinator_epoch = NO_COORDINATOR_EPOCH
        self.transaction_first_offset = NO_OFFSET
        self.last_timestamp_ms = -1
        """Of its last batch or marker, as DescribeProducers shows it."""
        self.last_used_ms = -1
        """By the broker's clock, not the records': old event times must not expire a producer."""

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    @property
    def last_offset(self) -> int:
        return self.batches[-1].last_offset if self.batches else NO_OFFSET

    def find_duplicate(self, base_sequence: int, last_sequence: int) -> CachedBatch | None:
        for batch in self.batches:
            if batch.base_sequence == base_sequence and batch.last_sequence == last_sequence:
                return batch
        return None

    def start_epoch(self, epoch: int) -> None:
        """A newer epoch has sequences of its own, from 0."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.batches.clear()


class ProducerStateTable:
    """All producers of one partition, as of `end_offset` of its log."""

    def __init__(self) -> None:
        self._entries: dict[int, ProducerEntry] = {}
        self.transactions = UnstableTransactions()

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[ProducerEntry]:
        return iter(self._entries.values())

    def get(self, producer_id: int) -> ProducerEntry | None:
        return self._entries.get(producer_id)

    def put(self, entry: ProducerEntry) -> None:
        """Take in an entry as a snapshot has it."""
        self._entries[entry.producer_id] = entry
        first_offset = entry.transaction_first_offset
        if first_offset != NO_OFFSET and entry.producer_id not in self.transactions.open:
            self.transactions.begin(entry.producer_id, first_offset)

    def has_open_transaction(self, producer_id: int, producer_epoch: int) -> bool:
        """Whether this very epoch of the producer has records here that no marker ended."""
        entry = self._entries.get(producer_id)
        return (
            entry is not None
            and entry.transaction_first_offset != NO_OFFSET
            and entry.epoch == producer_epoch
        )

    def check(self, batch: RecordBatchView) -> CachedBatch | None:
        """Decide whether a client's batch may be written; the earlier one if it is a duplicate.

        Raises:
            KafkaError: INVALID_PRODUCER_EPOCH, OUT_OF_ORDER_SEQUENCE_NUMBER or, for a plain batch
                inside an open transaction, INVALID_TXN_STATE.
        """
        entry = self._entries.get(batch.producer_id)
        if entry is None:
            return None
        epoch, base_sequence = batch.producer_epoch, batch.base_sequence
        if base_sequence == NO_SEQUENCE and epoch >= entry.epoch:
            pass  # A coordinator writes for a producer (its offsets) and does not count.
        elif epoch == entry.epoch:
            duplicate = entry.find_duplicate(base_sequence, batch.last_sequence)
            if duplicate is not None:
                return duplicate
            if base_sequence != add_to_sequence(entry.last_sequence, 1):
                raise _out_of_order(batch, entry)
        elif epoch < entry.epoch:
            raise KafkaError(
                ErrorCode.invalid_producer_epoch,
                f"producer {batch.producer_id} has epoch {entry.epoch}, the batch {epoch}",
            )
        elif base_sequence != 0:
            raise _out_of_order(batch, entry)
        if entry.transaction_first_offset != NO_OFFSET and not batch.is_transactional:
            raise KafkaError(
                ErrorCode.invalid_txn_state,
                f"producer {batch.producer_id} has an open transaction; this batch is in none",
            )
        return None

    def record(self, batch: RecordBatchView, *, base_offset: int, now_ms: int) -> None:
        """Note a data batch with a producer id that was written at `base_offset`."""
        entry = self._entries.get(batch.producer_id)
        if entry is None:
            entry = self._entries[batch.producer_id] = ProducerEntry(
                batch.producer_id, batch.producer_epoch
            )
        elif entry.epoch != batch.producer_epoch:
            entry.start_epoch(batch.producer_epoch)
        delta = batch.last_offset_delta
        entry.batches.append(
            CachedBatch(
                batch.base_sequence,
                batch.last_sequence,
                base_offset + delta,
                delta,
                batch.max_timestamp_ms,
            )
        )
        entry.last_timestamp_ms = batch.max_timestamp_ms
        entry.last_used_ms = now_ms
        if batch.is_transactional and entry.transaction_first_offset == NO_OFFSET:
            entry.transaction_first_offset = base_offset
            self.transactions.begin(batch.producer_id, base_offset)

    def check_marker(
        self,
        producer_id: int,
        producer_epoch: int,
        *,
        coordinator_epoch: int,
        transaction_version: int = 0,
    ) -> None:
        """Decide whether a coordinator's marker may be written; unknown producers may have one.

        Under transaction version 2 (KIP-890) the coordinator raises the epoch before it ends a
        transaction: a marker of the epoch that wrote the records is a late one. That of the
        newest epoch with nothing left to end is a retry, and written once more.

        Raises:
            KafkaError: INVALID_PRODUCER_EPOCH or TRANSACTION_COORDINATOR_FENCED.
        """
        entry = self._entries.get(producer_id)
        if entry is None:
            return
        is_late = transaction_version >= 2 and entry.transaction_first_offset != NO_OFFSET
        if producer_epoch < entry.epoch or (is_late and producer_epoch == entry.epoch):
            raise KafkaError(
                ErrorCode.invalid_producer_epoch,
                f"producer {producer_id} has epoch {entry.epoch}, the marker {producer_epoch}",
            )
        if coordinator_epoch < entry.coordinator_epoch:
            raise KafkaError(
                ErrorCode.transaction_coordinator_fenced,
                f"coordinator epoch {coordinator_epoch} is older than {entry.coordinator_epoch}",
            )

    def record_marker(
        self, batch: RecordBatchView, marker: EndTransactionMarker, *, offset: int, now_ms: int
    ) -> CompletedTransaction | None:
        """Note a marker written at `offset`; the transaction it ended, if one was open."""
        entry = self._entries.get(batch.producer_id)
        if entry is None:
            entry = self._entries[batch.producer_id] = ProducerEntry(
                batch.producer_id, batch.producer_epoch
            )
        entry.start_epoch(batch.producer_epoch)
        entry.coordinator_epoch = marker.coordinator_epoch
        entry.last_timestamp_ms = batch.max_timestamp_ms
        entry.last_used_ms = now_ms
        entry.transaction_first_offset = NO_OFFSET
        is_aborted = marker.type is ControlType.ABORT
        return self.transactions.end(batch.producer_id, offset, is_aborted=is_aborted)

    def expire(self, *, now_ms: int, expiration_ms: int) -> int:
        """Forget producers idle for `expiration_ms` that have no open transaction; how many."""
        expired = [
            entry.producer_id
            for entry in self._entries.values()
            if now_ms - entry.last_used_ms >= expiration_ms
            and entry.transaction_first_offset == NO_OFFSET
        ]
        for producer_id in expired:
            del self._entries[producer_id]
        return len(expired)


def _out_of_order(batch: RecordBatchView, entry: ProducerEntry) -> KafkaError:
    return KafkaError(
        ErrorCode.out_of_order_sequence_number,
        f"producer {batch.producer_id} epoch {batch.producer_epoch}: sequence "
        f"{batch.base_sequence} after {entry.last_sequence} of epoch {entry.epoch}",
    )
