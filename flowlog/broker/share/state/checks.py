"""Whether a share partition's state may be read or written. Every function raises `KafkaError`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

from ..persister import (
    ACKNOWLEDGED,
    ARCHIVED,
    AVAILABLE,
    NO_EPOCH,
    SharePartitionKey,
    StateBatch,
)
from .records import StoredState

DELIVERY_STATES: Final = (AVAILABLE, ACKNOWLEDGED, ARCHIVED)
DELIVERY_COUNT_MAX: Final = 2**15 - 1


def uninitialized(key: SharePartitionKey) -> KafkaError:
    return KafkaError(
        ErrorCode.invalid_request,
        f"Group {key.group_id} has no state in partition {key.partition} of that topic: it has to "
        "be initialised first.",
    )


def check_leader_epoch(state: StoredState, leader_epoch: int) -> None:
    """NO_EPOCH passes."""
    if leader_epoch != NO_EPOCH and leader_epoch < state.leader_epoch:
        raise fenced_leader(state, leader_epoch)


def fenced_leader(state: StoredState, leader_epoch: int) -> KafkaError:
    return KafkaError(
        ErrorCode.fenced_leader_epoch,
        f"leader epoch {leader_epoch} is older than {state.leader_epoch}",
    )


def check_state_epoch(state: StoredState, state_epoch: int) -> None:
    """NO_EPOCH passes."""
    if state_epoch != NO_EPOCH and state_epoch < state.state_epoch:
        raise KafkaError(
            ErrorCode.fenced_state_epoch,
            f"state epoch {state_epoch} is older than {state.state_epoch}",
        )


def check_batches(batches: Iterable[StateBatch]) -> None:
    for batch in batches:
        if not (
            0 <= batch.first_offset <= batch.last_offset
            and batch.delivery_state in DELIVERY_STATES
            and 0 <= batch.delivery_count <= DELIVERY_COUNT_MAX
        ):
            raise KafkaError(ErrorCode.invalid_request, f"{batch} cannot be")
