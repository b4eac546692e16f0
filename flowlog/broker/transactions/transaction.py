"""`Transaction`: what is known of one transactional id, as its newest record says. Immutable."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from .states import PREVIOUS, TransactionState

NO_PRODUCER_ID: Final = -1
NO_EPOCH: Final = -1
NEVER_MS: Final = -1

EPOCH_MAX: Final = 2**15 - 1
LAST_USABLE_EPOCH: Final = EPOCH_MAX - 1
"""A client is never given the last epoch, so that there is always one left to fence it with."""

EPOCH_BUMP_SINCE: Final = 2
"""Transaction version from which on each end of a transaction raises the epoch (KIP-890)."""

TopicPartition = tuple[str, int]


class Producer(NamedTuple):
    """Who writes: an id, and which of its lives. Only the newest epoch may."""

    producer_id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transactional id's producer and its transaction.

    Times in milliseconds since 1970. `next_producer_id` is set while a transaction ends whose
    producer has used up its epochs. `previous_producer_id` is the one before the last change.
    """

    producer_id: int
    producer_epoch: int
    timeout_ms: int
    state: TransactionState
    updated_ms: int
    started_ms: int = NEVER_MS
    partitions: frozenset[TopicPartition] = frozenset()
    previous_producer_id: int = NO_PRODUCER_ID
    next_producer_id: int = NO_PRODUCER_ID
    client_version: int = 0
    """The transaction version that the client spoke when it last changed the state."""
    last_producer_epoch: int = field(default=NO_EPOCH, compare=False)
    """The epoch before the newest, by which a retry is recognised. The log does not keep it, in
    Kafka neither: a retry across a move of the coordinator is fenced."""

    @property
    def producer(self) -> Producer:
        return Producer(self.producer_id, self.producer_epoch)

    @property
    def has_used_up_its_epochs(self) -> bool:
        return self.producer_epoch >= LAST_USABLE_EPOCH

    @property
    def bumps_epochs(self) -> bool:
        return self.client_version >= EPOCH_BUMP_SINCE

    @property
    def deadline_ms(self) -> int:
        """When the ongoing transaction is aborted, if nobody ends it."""
        return self.started_ms + self.timeout_ms

    @property
    def producer_after(self) -> Producer:
        """Who the producer will be when a transaction that ends has ended: the client is told at
        once. Without such an end, who it is."""
        if self.bumps_epochs and self.next_producer_id != NO_PRODUCER_ID:
            return Producer(self.next_producer_id, 0)
        return self.producer

    def become(self, state: TransactionState, now_ms: int, **changes: Any) -> Transaction:
        """The transaction in its next state; only along `PREVIOUS`."""
        assert self.state in PREVIOUS[state], f"{self.state!r} to {state!r}"
        return replace(
            self,
            state=state,
            updated_ms=now_ms,
            previous_producer_id=self.producer_id,
            **changes,
        )
