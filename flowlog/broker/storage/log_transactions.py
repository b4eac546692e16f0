"""What a partition log knows of transactions: how far all is decided, and what was aborted."""

from __future__ import annotations

import logging

from flowlog.broker.storage.index import CorruptIndexError
from flowlog.broker.storage.log_state import DISK_ERRORS, LogState
from flowlog.broker.storage.segment import LogSegment
from flowlog.broker.storage.segment_read import seek
from flowlog.broker.storage.snapshots import rebuild_transactions
from flowlog.broker.storage.transaction_index import AbortedTransaction, TransactionIndex
from flowlog.broker.storage.walk import read_batch
from flowlog.records.control import ControlType, read_end_marker

logger = logging.getLogger(__name__)


class LogTransactions(LogState):
    """How transactions show in the log. Everything else of them is their coordinator's."""

    @property
    def first_unstable_offset(self) -> int | None:
        """Where the oldest transaction starts that is open, or whose marker is not committed.

        Not before the log's start: what was deleted is not waited for. None: there is none.
        """
        first = self.producers.transactions.first_unstable_offset
        return None if first is None else max(first, self.log_start_offset)

    def on_high_watermark(self, high_watermark: int) -> None:
        """Records below it are committed, and so are the markers among them."""
        self.producers.transactions.on_high_watermark(high_watermark)

    def aborted_transactions(self, start_offset: int, end_offset: int) -> list[AbortedTransaction]:
        """Every aborted transaction that overlaps [start, end), in the order of the markers.

        Of open transactions nothing is known yet: who wants all that is aborted in the range asks
        for one that ends at the last stable offset or before.

        Raises:
            KafkaError: CORRUPT_MESSAGE for a damaged log file.
            StorageError: the disk refused.
        """
        aborted: list[AbortedTransaction] = []
        active = self.segments.active
        if start_offset >= active.base_offset and not active.transactions.has_any:
            return aborted
        try:
            for segment in self.segments.from_offset(start_offset):
                if segment.transactions.has_any:
                    index = self._transaction_index(segment)
                    found, is_all = index.overlapping(start_offset, end_offset)
                    aborted += found
                    if is_all:
                        break
        except DISK_ERRORS as error:
            raise self.said("find aborted transactions in", error) from error
        return aborted

    def load_active_transactions(self) -> None:
        """Have the growing segment's index in memory, where it is continued; once, at the start.

        Raises OSError, or CorruptBatchError for a damaged log file.
        """
        if self.segments.active.transactions.has_any:
            self._transaction_index(self.segments.active)

    def _transaction_index(self, segment: LogSegment) -> TransactionIndex:
        """Load the index of a segment that has one; it is made anew if it cannot be right."""
        transactions = segment.transactions
        if segment.is_sealed:
            self._environment.indexes.touch(segment)
        if transactions.index is None:
            try:
                transactions.index = read_transaction_index(segment)
            except CorruptIndexError as error:
                logger.warning("storage.txnindex: %s is made anew: %s", transactions.path, error)
                index = rebuild_transactions(self._snapshots, self.segments, segment)
                transactions.replace(index)
        assert transactions.index is not None
        return transactions.index


def read_transaction_index(segment: LogSegment) -> TransactionIndex:
    """Read the file and hold each entry against the records that it is about.

    Raises CorruptIndexError, or CorruptBatchError for a damaged log file.
    """
    index = segment.transactions.read(
        base_offset=segment.base_offset, next_offset=segment.next_offset
    )
    for entry in index:
        _check_marker(segment, entry)
        if entry.first_offset >= segment.base_offset:
            _check_first(segment, entry)
    return index


def _check_marker(segment: LogSegment, entry: AbortedTransaction) -> None:
    located = seek(segment, entry.last_offset)
    if located is not None and located.header.is_control:
        batch = read_batch(segment.log, located)
        if (batch.last_offset, batch.producer_id) == (entry.last_offset, entry.producer_id):
            marker = read_end_marker(batch)
            if marker is not None and marker.type is ControlType.ABORT:
                return
    raise CorruptIndexError(f"no marker says so: {entry}")


def _check_first(segment: LogSegment, entry: AbortedTransaction) -> None:
    """Compaction may have taken the records away; but if there is one, it starts there."""
    located = seek(segment, entry.first_offset)
    assert located is not None, (entry, segment)
    header = located.header
    starts_there = header.base_offset == entry.first_offset
    if header.base_offset < entry.first_offset or (
        starts_there and not (header.is_transactional and header.producer_id == entry.producer_id)
    ):
        raise CorruptIndexError(f"no such records: {entry}")
