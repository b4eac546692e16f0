"""`LogPartition`: the same over a real partition and its files, each step held against the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.replication.verification import ONGOING, Verification
from flowlog.broker.storage.config import LogConfig
from flowlog.broker.storage.group_commit import GroupCommit
from flowlog.broker.storage.log_dir import LogDirectory
from flowlog.broker.transactions.markers import Marker
from flowlog.broker.transactions.transaction import Producer
from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView, iter_batches
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from flowlog.testing.files import MemoryFiles
from tests.broker.storage.committed import committed_records

from .partition import MemoryPartition, Permit

TOPIC_ID = UUID(int=5)
NOW_MS = 1_700_000_000_000
CONFIG = LogConfig(segment_bytes=400, index_interval_bytes=150)
READ_BYTES = 10**6


class LogPartition(MemoryPartition):
    """What its parent says has to be what the partition does. A kill leaves the page cache."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0
        self.offsets: dict[bytes, int] = {}
        self.is_committed: dict[bytes, bool] = {}
        self._labels: dict[int, list[bytes]] = {}
        self._verifications: dict[Permit, Verification] = {}
        self._files = MemoryFiles()
        self._directory = LogDirectory.open("/data", files=self._files, defaults=CONFIG)
        self._lead(self._directory.create("t", TOPIC_ID, 0, CONFIG))

    def _lead(self, log: Any) -> None:
        self.real = Partition("t", TOPIC_ID, 0, log, leader_epoch=0, group_commit=GroupCommit())

    def forget_who_asked(self) -> None:
        """The broker was killed, and is there again."""
        super().forget_who_asked()
        self._verifications.clear()
        self._directory.close(clean=False)
        self._directory = LogDirectory.open("/data", files=self._files, defaults=CONFIG)
        found = self._directory.get(TOPIC_ID, 0)
        self._lead(found or self._directory.create("t", TOPIC_ID, 0, CONFIG))

    def is_open(self, producer: Producer) -> bool:
        believed = super().is_open(producer)
        assert self.real.log.producers.has_open_transaction(*producer) == believed, producer
        return believed

    def ask(self, producer: Producer) -> Permit:
        permit = super().ask(producer)
        view = RecordBatchView(self._batch(producer, b"?"))
        self._verifications[permit] = self.real.begin_verification(view, is_implicit=False)
        return permit

    def append(self, producer: Producer, value: Any, permit: Permit | None) -> bool:
        goes_on = self.is_open(producer)
        believed = super().append(producer, value, permit)
        label = b"%d" % self.count
        verification = ONGOING if goes_on or permit is None else self._verifications.get(permit)
        # Of a permit from before a kill nothing is left: whoever asked was not answered.
        refusal = "nobody asked" if verification is None else ""
        batch = self._batch(producer, label)
        if verification is not None:
            try:
                result = self.real.append(batch, now_ms=NOW_MS, verification=verification)
                self.offsets[label] = result.base_offset
            except KafkaError as error:
                refusal = str(error)
        assert believed == (not refusal), f"{producer}: {refusal or 'was let in'}"
        if believed:
            self.count += 1
            self._labels.setdefault(producer.producer_id, []).append(label)
        return believed

    def mark(self, marker: Marker) -> ErrorCode:
        believed = super().mark(marker)
        told = ErrorCode.none
        try:
            self.real.append_marker(
                producer_id=marker.producer_id,
                producer_epoch=marker.producer_epoch,
                committed=marker.is_commit,
                coordinator_epoch=marker.coordinator_epoch,
                transaction_version=marker.transaction_version,
                now_ms=NOW_MS,
            )
        except KafkaError as error:
            told = error.error_code
        assert told is believed, f"{marker}: {told!r}, not {believed!r}"
        if told is not ErrorCode.none:
            return told
        for label in self._labels.pop(marker.producer_id, []):
            self.is_committed[label] = marker.is_commit
        return told

    def _batch(self, producer: Producer, label: bytes) -> bytes:
        entry = self.real.log.producers.get(producer.producer_id)
        goes_on = entry is not None and entry.epoch == producer.epoch
        return build_batch(
            [Record(None, label, (), NOW_MS)],
            producer_id=producer.producer_id,
            producer_epoch=producer.epoch,
            base_sequence=entry.last_sequence + 1 if entry is not None and goes_on else 0,
            is_transactional=True,
        )

    # What readers see.

    def check_readers(self) -> None:
        """The last stable offset is that of the first open record, and no aborted one is shown."""
        end = self.real.high_watermark
        assert end == self.real.log.log_end_offset
        undecided = [self.offsets[label] for labels in self._labels.values() for label in labels]
        stable = self.real.last_stable_offset
        assert stable == min(undecided, default=end), f"{stable} of {end}, open: {undecided}"
        shown = [
            label
            for label, offset in self.offsets.items()
            if offset < stable and self.is_committed.get(label)
        ]
        assert self._committed_below(stable) == shown

    def _committed_below(self, stable: int) -> Sequence[bytes | None]:
        log, found, start = self.real.log, b"", 0
        while start < stable:
            piece = log.read(start, end_offset=stable, max_bytes=READ_BYTES)
            found += piece
            start = [batch.last_offset for batch in iter_batches(piece)][-1] + 1
        aborted = self.real.aborted_transactions(0, found)
        return [record.value for record in committed_records(found, aborted)]
