"""Moving a group's offsets: a plan to look at, then the commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .cluster import Cluster
from .groups import alter_offsets, committed_offsets
from .lag import first_unread
from .offsets import Partition, offset_ranges, partitions_of
from .positions import Position, resolve


@dataclass(frozen=True, slots=True)
class OffsetMove:
    """One partition of a plan; `current` is None where the group never committed."""

    partition: Partition
    current: int | None
    new: int

    @property
    def change(self) -> int | None:
        """Records skipped (positive) or read again (negative)."""
        return None if self.current is None else self.new - self.current


def plan_reset(
    cluster: Cluster, group_id: str, position: Position, *, topics: Iterable[str]
) -> tuple[OffsetMove, ...]:
    """Where each partition would go; of the given topics, or of all that the group committed.

    Raises:
        ClientError: TOPIC_NOT_FOUND.
    """
    committed = committed_offsets(cluster, group_id)
    named = list(topics)
    wanted = (
        tuple(p for topic in named for p in partitions_of(cluster, topic))
        if named
        else tuple(committed)
    )
    return _plan(cluster, position, wanted, committed)


def execute_reset(cluster: Cluster, group_id: str, plan: Iterable[OffsetMove]) -> None:
    """Commit the plan; the group must have no members."""
    moves = {move.partition: move.new for move in plan}
    if moves:
        alter_offsets(cluster, group_id, moves)


def _plan(
    cluster: Cluster,
    position: Position,
    partitions: tuple[Partition, ...],
    committed: Mapping[Partition, int],
) -> tuple[OffsetMove, ...]:
    ranges = offset_ranges(cluster, partitions)
    bases = {p: first_unread(committed.get(p), ranges[p]) for p in partitions}
    new = resolve(cluster, position, partitions, shift_from=bases)
    return tuple(OffsetMove(p, committed.get(p), new[p]) for p in sorted(partitions))
