"""Which of a produce request's transactional batches may be appended (KIP-890).

A batch that continues a transaction open in its partition may. For one that starts it there the
transaction's coordinator is asked first; `TransactionGate` is the port to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, Protocol
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.replication.verification import ONGOING, Verification
from flowlog.errors import KafkaError
from flowlog.records.batch import MAGIC, TRANSACTIONAL_BIT, RecordBatchView
from flowlog.records.errors import CorruptBatchError

IMPLICIT_SINCE: Final = 12
"""From this version of Produce on the client leaves adding partitions to the broker."""
ABORTABLE_SINCE: Final = 11
RETRIABLE: Final = frozenset(
    {
        ErrorCode.concurrent_transactions,
        ErrorCode.network_exception,
        ErrorCode.coordinator_load_in_progress,
        ErrorCode.coordinator_not_available,
        ErrorCode.not_coordinator,
    }
)
_MAGIC: Final = 16  # positions in a batch: of its format,
_LOW_ATTRIBUTES: Final = 22  # and of the byte that has the transactional bit

TopicPartition = tuple[str, int]
BatchKey = tuple[str | UUID | None, int]  # a topic as the request names it, and an index
Admission = Verification | KafkaError
Admissions = Mapping[BatchKey, Admission]
NO_ADMISSIONS: Final[Admissions] = {}


class TransactionGate(Protocol):
    """The coordinator's side."""

    async def admit(
        self,
        transactional_id: str,
        *,
        producer_id: int,
        producer_epoch: int,
        partitions: Collection[TopicPartition],
        is_implicit: bool,
    ) -> Mapping[TopicPartition, ErrorCode]:
        """Whether each partition is part of the producer's ongoing transaction; `none` if it is.

        `is_implicit`: make it part of it, if the transaction may be written to. Where another one
        is just ending it may wait for that, a little (100 ms in Kafka), before it says
        CONCURRENT_TRANSACTIONS. Never raises KafkaError.
        """
        ...


def is_transactional(records: memoryview) -> bool:
    """Whether a batch, of which nothing has been checked yet, says that it is transactional."""
    return (
        len(records) > _LOW_ATTRIBUTES
        and bool(records[_LOW_ATTRIBUTES] & TRANSACTIONAL_BIT)
        and records[_MAGIC] == MAGIC  # Else the bit is one of something else.
    )


def admitted(admissions: Admissions, key: BatchKey) -> Verification:
    """What to append a transactional batch with.

    Raises:
        KafkaError: the coordinator said no.
    """
    admission = admissions.get(key)
    if admission is None:  # Its partition was not here yet when the coordinator was asked.
        raise KafkaError(ErrorCode.unknown_topic_or_partition)
    if isinstance(admission, KafkaError):
        raise admission
    return admission


class Admitting:
    """The transactional batches of one request; used once."""

    def __init__(self, gate: TransactionGate | None, version: int) -> None:
        self._gate = gate
        self._version = version
        self._admissions: dict[BatchKey, Admission] = {}
        self._asked: dict[BatchKey, tuple[TopicPartition, Verification]] = {}
        self._producers: set[tuple[int, int]] = set()

    def add(self, key: BatchKey, partition: Partition, records: memoryview) -> None:
        """Take in one batch."""
        if not is_transactional(records):
            return
        try:
            batch = RecordBatchView(records)
        except CorruptBatchError as error:
            self._admissions[key] = KafkaError(ErrorCode.corrupt_message, str(error))
            return
        if batch.producer_id < 0:
            what = "a transactional batch without producer id"
            self._admissions[key] = KafkaError(ErrorCode.invalid_record, what)
            return
        self._producers.add((batch.producer_id, batch.producer_epoch))
        is_implicit = self._version >= IMPLICIT_SINCE
        verification = partition.begin_verification(batch, is_implicit=is_implicit)
        self._admissions[key] = verification
        if verification is not ONGOING:
            self._asked[key] = (partition.topic, partition.index), verification

    async def ask(self, transactional_id: str) -> Admissions:
        """Ask the coordinator for all that have to be asked for, in one go."""
        if len(self._producers) > 1:
            what = "transactional records of several producers"
            return dict.fromkeys(
                self._admissions, KafkaError(ErrorCode.invalid_producer_id_mapping, what)
            )
        if not self._asked:
            return self._admissions
        if self._gate is None:
            return dict.fromkeys(self._admissions, KafkaError(ErrorCode.coordinator_not_available))
        ((producer_id, producer_epoch),) = self._producers
        errors = await self._gate.admit(
            transactional_id,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            partitions=[partition for partition, _ in self._asked.values()],
            is_implicit=self._version >= IMPLICIT_SINCE,
        )
        for key, (partition, verification) in self._asked.items():
            self._admissions[key] = self._admission(errors[partition], verification)
        return self._admissions

    def _admission(self, code: ErrorCode, verification: Verification) -> Admission:
        """What the producer hears: older ones retry only what a produce could always answer."""
        if code is ErrorCode.none:
            return verification
        if code in RETRIABLE:
            return KafkaError(
                ErrorCode.not_enough_replicas,
                f"cannot tell whether the partition is part of the transaction: {code.name}",
            )
        if code is ErrorCode.transaction_abortable and self._version < ABORTABLE_SINCE:
            code = ErrorCode.invalid_txn_state
        if code is ErrorCode.invalid_txn_state:
            return KafkaError(code, "the partition was not added to the transaction")
        return KafkaError(code)
