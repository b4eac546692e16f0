"""Why a group rebalanced: the last reasons, kept for whoever asks."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

KEPT: Final = 20


class Rebalance(NamedTuple):
    """One rebalance: when it began, out of which generation, and why."""

    started_ms: int  # since 1970
    generation_id: int  # the one that ended
    reason: str


RebalanceHistory = deque[Rebalance]


def new_history() -> RebalanceHistory:
    """Oldest first; bounded."""
    return deque(maxlen=KEPT)
