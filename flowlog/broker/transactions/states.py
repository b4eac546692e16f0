"""The states of a transaction, and which may follow on which.

Source: TransactionState in apache/kafka, transaction-coordinator. Kafka's Dead and
PrepareEpochFence are never written down and need no state here: an expired transactional id is
gone, and a fenced transaction is one that is being aborted.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Set
from typing import Final


class TransactionState(enum.IntEnum):
    """Numbered as in `__transaction_state`."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5

    @property
    def label(self) -> str:
        """The name that ListTransactions shows and filters by."""
        return LABELS[self]

    @property
    def is_ending(self) -> bool:
        """The outcome is decided, the partitions are being told."""
        return self in (TransactionState.PREPARE_COMMIT, TransactionState.PREPARE_ABORT)

    @property
    def is_idle(self) -> bool:
        """There is no transaction; its transactional id may begin one, or expire."""
        return self in IDLE


_S = TransactionState

LABELS: Final[Mapping[TransactionState, str]] = {
    _S.EMPTY: "Empty",
    _S.ONGOING: "Ongoing",
    _S.PREPARE_COMMIT: "PrepareCommit",
    _S.PREPARE_ABORT: "PrepareAbort",
    _S.COMPLETE_COMMIT: "CompleteCommit",
    _S.COMPLETE_ABORT: "CompleteAbort",
}
FOREIGN_LABELS: Final = frozenset({"Dead", "PrepareEpochFence"})
"""Names of Kafka's that are known to clients, and that no transaction is ever seen in."""

IDLE: Final[Set[TransactionState]] = frozenset({_S.EMPTY, _S.COMPLETE_COMMIT, _S.COMPLETE_ABORT})

PREVIOUS: Final[Mapping[TransactionState, Set[TransactionState]]] = {
    _S.EMPTY: IDLE,
    _S.ONGOING: IDLE | {_S.ONGOING},
    _S.PREPARE_COMMIT: frozenset({_S.ONGOING}),
    # With transaction version 2 also a transaction in which nothing happened may be aborted.
    _S.PREPARE_ABORT: IDLE | {_S.ONGOING},
    _S.COMPLETE_COMMIT: frozenset({_S.PREPARE_COMMIT}),
    _S.COMPLETE_ABORT: frozenset({_S.PREPARE_ABORT}),
}
