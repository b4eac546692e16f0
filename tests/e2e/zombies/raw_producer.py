"""`RawProducer`: a transactional producer that goes on, whatever it is told.

Client libraries stop by themselves when they hear that they were fenced. This one sends what it
is asked to send, in either transaction version, and returns the broker's error codes.
"""

from __future__ import annotations

import time
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from flowlog.records.builder import build_batch
from flowlog.records.record import Record
from tests.conformance.connection import RawConnection

PRODUCE, FIND, INIT, ADD, ADD_OFFSETS, END, COMMIT = 0, 10, 22, 24, 25, 26, 28
DEADLINE_S: Final = 20.0
NOT_YET: Final = frozenset(
    {
        ErrorCode.concurrent_transactions,
        ErrorCode.coordinator_not_available,
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.not_coordinator,
    }
)


class RawProducer:
    """One life of a producer. `version`: its transaction version, 1 or 2 (KIP-890)."""

    def __init__(self, bootstrap: str, name: str, version: int) -> None:
        self.name = name
        self.version = version
        self.producer_id = -1
        self.epoch = -1
        self._connection = RawConnection(bootstrap)
        self._sequences: dict[tuple[str, int], int] = {}
        self._call(
            FIND,
            4,
            messages.find_coordinator.FindCoordinatorRequest(key_type=1, coordinator_keys=(name,)),
        )

    def close(self) -> None:
        self._connection.close()

    def initialize(self, *, goes_on: bool = False) -> ErrorCode:
        """Ask once for the transactional id; `goes_on`: with the id and epoch that it has."""
        answer = self._call(
            INIT,
            5,
            messages.init_producer_id.InitProducerIdRequest(
                transactional_id=self.name,
                transaction_timeout_ms=60_000,
                producer_id=self.producer_id if goes_on else -1,
                producer_epoch=self.epoch if goes_on else -1,
            ),
        )
        if answer.error_code == ErrorCode.none:
            self._become(answer.producer_id, answer.producer_epoch)
        return ErrorCode(answer.error_code)

    def start(self) -> None:
        """Ask until it is ours."""
        _until_told(self.initialize)

    def add(self, topic: str, partition: int) -> ErrorCode:
        m = messages.add_partitions_to_txn
        answer = self._call(
            ADD,
            3,
            m.AddPartitionsToTxnRequest(
                v3_and_below_transactional_id=self.name,
                v3_and_below_producer_id=self.producer_id,
                v3_and_below_producer_epoch=self.epoch,
                v3_and_below_topics=(
                    m.AddPartitionsToTxnTopic(name=topic, partitions=(partition,)),
                ),
            ),
        )
        row = answer.results_by_topic_v3_and_below[0].results_by_partition[0]
        return ErrorCode(row.partition_error_code)

    def write(self, topic: str, partition: int, value: bytes) -> ErrorCode:
        """One record in one batch, with the next sequence."""
        sequence = self._sequences.get((topic, partition), 0)
        batch = build_batch(
            [Record(None, value, (), int(time.time() * 1000))],
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=sequence,
            is_transactional=True,
        )
        m = messages.produce
        rows = (m.PartitionProduceData(index=partition, records=batch),)
        answer = self._call(
            PRODUCE,
            12 if self.version >= 2 else 9,
            m.ProduceRequest(
                transactional_id=self.name,
                acks=-1,
                timeout_ms=10_000,
                topic_data=(m.TopicProduceData(name=topic, partition_data=rows),),
            ),
        )
        error = ErrorCode(answer.responses[0].partition_responses[0].error_code)
        if error is ErrorCode.none:
            self._sequences[topic, partition] = sequence + 1
        return error

    def add_and_write(self, topic: str, partition: int, value: bytes) -> ErrorCode:
        """As a client of its version does."""
        if self.version < 2:
            error = self.add(topic, partition)
            if error is not ErrorCode.none:
                return error
        return self.write(topic, partition, value)

    def end(self, *, commit: bool) -> ErrorCode:
        answer = self._call(
            END,
            5 if self.version >= 2 else 3,
            messages.end_txn.EndTxnRequest(
                transactional_id=self.name,
                producer_id=self.producer_id,
                producer_epoch=self.epoch,
                committed=commit,
            ),
        )
        if answer.error_code == ErrorCode.none and self.version >= 2:
            self._become(answer.producer_id, answer.producer_epoch)
        return ErrorCode(answer.error_code)

    def commit_offset(self, group: str, topic: str, offset: int) -> ErrorCode:
        """An offset of partition 0, as part of the transaction."""
        if self.version < 2:
            added = self._call(
                ADD_OFFSETS,
                3,
                messages.add_offsets_to_txn.AddOffsetsToTxnRequest(
                    transactional_id=self.name,
                    producer_id=self.producer_id,
                    producer_epoch=self.epoch,
                    group_id=group,
                ),
            )
            if added.error_code != ErrorCode.none:
                return ErrorCode(added.error_code)
        m = messages.txn_offset_commit
        row = m.TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset)
        answer = self._call(
            COMMIT,
            5 if self.version >= 2 else 3,
            m.TxnOffsetCommitRequest(
                transactional_id=self.name,
                group_id=group,
                producer_id=self.producer_id,
                producer_epoch=self.epoch,
                topics=(m.TxnOffsetCommitRequestTopic(name=topic, partitions=(row,)),),
            ),
        )
        return ErrorCode(answer.topics[0].partitions[0].error_code)

    def transact(self, topic: str, partition: int, value: bytes) -> None:
        """A whole committed transaction of one record."""
        _until_told(lambda: self.add_and_write(topic, partition, value))
        _until_told(lambda: self.end(commit=True))

    def _become(self, producer_id: int, epoch: int) -> None:
        if (producer_id, epoch) != (self.producer_id, self.epoch):
            self._sequences.clear()
        self.producer_id, self.epoch = producer_id, epoch

    def _call(self, api_key: int, version: int, request: Any) -> Any:
        return self._connection.call(api_key, version, request)


def _until_told(ask: Any) -> None:
    """Ask until the answer is not to come again; it must be yes."""
    deadline = time.monotonic() + DEADLINE_S
    while (error := ask()) in NOT_YET or error is ErrorCode.not_enough_replicas:
        assert time.monotonic() < deadline, error
        time.sleep(0.01)
    assert error is ErrorCode.none, error
