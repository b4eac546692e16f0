"""The assignor `simple`: who shares which partitions. Pure.

Each partition goes to as many members as it takes to give every member one, the same number for
all; each member gets as many partitions as any other, or one more; and a member keeps what it has
where that allows it. Where members subscribe to different topics that holds for each topic apart.

Source: KIP-932; `SimpleAssignor` in apache/kafka, group-coordinator.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from typing import Final, TypeAlias
from uuid import UUID

from .member import NOTHING, Target

Partition: TypeAlias = tuple[UUID, int]

SIMPLE: Final = "simple"


def assign(
    subscriptions: Mapping[str, Set[UUID]],
    partitions: Mapping[UUID, Iterable[int]],
    before: Mapping[str, Target],
) -> dict[str, Target]:
    """The target of every member: of `partitions`, those of the topics that it subscribes to."""
    given: dict[str, dict[UUID, set[int]]] = {member_id: {} for member_id in subscriptions}
    for topic_ids in _together(subscriptions):
        members = sorted(m for m, topics in subscriptions.items() if topic_ids <= topics)
        rows = [(t, p) for t in sorted(topic_ids) for p in sorted(partitions.get(t, ()))]
        for member_id, (topic_id, partition) in _share_out(members, rows, before):
            given[member_id].setdefault(topic_id, set()).add(partition)
    return {m: {t: frozenset(ps) for t, ps in topics.items()} for m, topics in given.items()}


def _together(subscriptions: Mapping[str, Set[UUID]]) -> list[frozenset[UUID]]:
    """The topics that are shared out together: all where every member has them all, else each."""
    distinct = {frozenset(topics) for topics in subscriptions.values()}
    if len(distinct) == 1:
        return [*distinct]
    return [frozenset({topic_id}) for topic_id in set().union(*distinct)]


def _share_out(
    members: Sequence[str], rows: Sequence[Partition], before: Mapping[str, Target]
) -> set[tuple[str, Partition]]:
    """Pairs of a member and a partition that it gets."""
    if not members or not rows:
        return set()
    sharing = -(-len(members) // len(rows))  # members of each partition
    least, more = divmod(len(rows) * sharing, len(members))  # `more` of them get one more
    pairs: set[tuple[str, Partition]] = set()
    load, sharers = dict.fromkeys(members, 0), dict.fromkeys(rows, 0)
    for member_id in members:
        for partition in _each(before.get(member_id, NOTHING)):
            if sharers.get(partition, sharing) == sharing:
                continue  # it has enough already, or is not shared out here
            if load[member_id] >= least + (more > 0):
                break
            more -= load[member_id] == least
            pairs.add((member_id, partition))
            load[member_id] += 1
            sharers[partition] += 1
    _fill(pairs, load, {p: sharing - count for p, count in sharers.items() if count < sharing})
    return pairs


def _each(target: Target) -> Iterator[Partition]:
    for topic_id in sorted(target):
        for partition in sorted(target[topic_id]):
            yield topic_id, partition


def _fill(
    pairs: set[tuple[str, Partition]], load: Mapping[str, int], wanted: Mapping[Partition, int]
) -> None:
    """Give each partition the members that it still wants, those who have least first."""
    idle = [(count, member_id) for member_id, count in load.items()]
    heapq.heapify(idle)
    for partition, count in wanted.items():
        passed: list[tuple[int, str]] = []
        while count:
            busy, member_id = heapq.heappop(idle)
            if (member_id, partition) not in pairs:
                pairs.add((member_id, partition))
                busy, count = busy + 1, count - 1
            passed.append((busy, member_id))
        for row in passed:
            heapq.heappush(idle, row)
