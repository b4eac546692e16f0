"""The states of a classic group, and which may follow which.

Source: `ClassicGroupState` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Set
from typing import Final


class GroupState(enum.Enum):
    """Values are the names that clients see."""

    EMPTY = "Empty"  # no members; offsets may remain
    PREPARING_REBALANCE = "PreparingRebalance"  # members are expected to (re)join
    COMPLETING_REBALANCE = "CompletingRebalance"  # waiting for the leader's assignment
    STABLE = "Stable"  # every member may have its assignment
    DEAD = "Dead"  # removed, or served elsewhere


TRANSITIONS: Final[Mapping[GroupState, Set[GroupState]]] = {
    GroupState.EMPTY: {GroupState.PREPARING_REBALANCE, GroupState.DEAD},
    GroupState.PREPARING_REBALANCE: {
        GroupState.COMPLETING_REBALANCE,
        GroupState.EMPTY,
        GroupState.DEAD,
    },
    GroupState.COMPLETING_REBALANCE: {
        GroupState.STABLE,
        GroupState.PREPARING_REBALANCE,
        GroupState.DEAD,
    },
    GroupState.STABLE: {GroupState.PREPARING_REBALANCE, GroupState.DEAD},
    GroupState.DEAD: set(),
}
