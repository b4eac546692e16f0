"""Transactional batches that wait for their coordinator's word, and markers that come meanwhile.

A leader appends the first batch of a transaction only after the coordinator said that the partition
is part of it. If the transaction ends before that word is acted on, the batch must not be
appended: nothing would ever end what it starts. Pure.

Source: KIP-890; VerificationStateEntry and ProducerAppendInfo.checkSequence in apache/kafka.
"""

from __future__ import annotations

from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError
from flowlog.records.batch import RecordBatchView

VERIFICATIONS_MAX: Final = 1_000
"""Producers a partition remembers that asked and did not write; the oldest are forgotten."""


class Verification:
    """What is known of a producer while its coordinator is asked; shared by its batches."""

    __slots__ = ("is_implicit", "lowest_sequence", "producer_epoch")

    def __init__(self, producer_epoch: int, lowest_sequence: int, *, is_implicit: bool) -> None:
        self.producer_epoch = producer_epoch
        self.lowest_sequence = lowest_sequence
        self.is_implicit = is_implicit


ONGOING: Final = Verification(-1, -1, is_implicit=False)
"""Nobody has to be asked: the batch belongs to a transaction that is open in the partition."""


class Verifications:
    """One partition's, by producer id."""

    __slots__ = ("_by_producer",)

    def __init__(self) -> None:
        self._by_producer: dict[int, Verification] = {}

    def __len__(self) -> int:
        return len(self._by_producer)

    def begin(self, batch: RecordBatchView, *, is_implicit: bool) -> Verification:
        """The batch's producer has no transaction open here: its coordinator is asked now.

        `is_implicit`: the producer does not add partitions itself (transaction version 2), and
        counts from 0 in each epoch.
        """
        known = self._by_producer.get(batch.producer_id)
        if known is None or known.producer_epoch < batch.producer_epoch:
            known = Verification(batch.producer_epoch, batch.base_sequence, is_implicit=is_implicit)
            self._by_producer[batch.producer_id] = known
            if len(self._by_producer) > VERIFICATIONS_MAX:
                del self._by_producer[next(iter(self._by_producer))]
        elif known.producer_epoch == batch.producer_epoch:
            known.lowest_sequence = min(known.lowest_sequence, batch.base_sequence)
        return known

    def check(self, batch: RecordBatchView, verification: Verification, *, is_known: bool) -> None:
        """Decide whether the batch may start the transaction that its coordinator knows of.

        `is_known`: the partition has seen the producer before.

        Raises:
            KafkaError: INVALID_TXN_STATE, the transaction ended meanwhile;
                OUT_OF_ORDER_SEQUENCE_NUMBER, an earlier batch is still to come.
        """
        if self._by_producer.get(batch.producer_id) is not verification:
            raise KafkaError(
                ErrorCode.invalid_txn_state, "the record was not part of an ongoing transaction"
            )
        must_be_first = verification.is_implicit and not is_known
        expected = 0 if must_be_first else verification.lowest_sequence
        if batch.base_sequence > expected:
            raise KafkaError(
                ErrorCode.out_of_order_sequence_number,
                f"sequence {batch.base_sequence} of producer {batch.producer_id}; "
                f"{expected} comes first",
            )

    def end(self, producer_id: int) -> None:
        """A transaction began or ended here: what is still being asked is about another one."""
        self._by_producer.pop(producer_id, None)
