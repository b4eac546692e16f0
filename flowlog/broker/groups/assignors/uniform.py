"""`uniform`: as many partitions for each member as for any other, and as few moves as possible.

Where all members consume the same topics, their loads differ by one at most and a member loses
only what is above its share. Where they do not, partitions are moved from members with more to
members with fewer until no move makes the group more even.
Source: `UniformAssignor` in apache/kafka, group-coordinator, for what it promises; KIP-848.
"""

from __future__ import annotations

import heapq
from uuid import UUID

from .spec import Assignment, GroupSpec, Partition, kept, subscribers


def assign(group: GroupSpec) -> Assignment:
    if not group.members:
        return {}
    subscriptions = {member.topics for member in group.members.values()}
    return _same_topics(group) if len(subscriptions) == 1 else _mixed_topics(group)


def _same_topics(group: GroupSpec) -> Assignment:
    """Fair shares first: then each partition moves at most once, to whoever is short."""
    assignment = kept(group)
    total = sum(topic.partition_count for topic in group.topics.values())
    share, extras = divmod(total, len(assignment))
    for member_id in sorted(assignment, key=lambda m: (-len(assignment[m]), m)):
        mine = assignment[member_id]
        allowed = share + (extras > 0 and len(mine) > share)
        extras -= allowed - share
        for partition in sorted(mine)[allowed:]:
            mine.discard(partition)
    free = _free(group, assignment)
    for member_id in sorted(assignment):
        mine = assignment[member_id]
        missing = max(share - len(mine), 0)
        if extras and len(mine) <= share:
            missing, extras = missing + 1, extras - 1
        mine.update(free[:missing])
        del free[:missing]
    assert not free, f"{len(free)} partitions are left over"
    return assignment


def _free(group: GroupSpec, assignment: Assignment) -> list[Partition]:
    taken = set().union(*assignment.values())
    everything = ((t, n) for t in sorted(group.topics) for n in group.partitions(t))
    return [partition for partition in everything if partition not in taken]


def _mixed_topics(group: GroupSpec) -> Assignment:
    assignment = kept(group)
    consumers = subscribers(group)
    free = [p for p in _free(group, assignment) if consumers[p[0]]]
    # Topics with few consumers first: those with many can still be given to whoever is short.
    free.sort(key=lambda p: (len(consumers[p[0]]), p))
    _give_out(free, consumers, assignment)
    _even_out(consumers, assignment)
    return assignment


def _give_out(
    free: list[Partition], consumers: dict[UUID, list[str]], assignment: Assignment
) -> None:
    heaps: dict[UUID, list[tuple[int, str]]] = {}
    for topic_id, n in free:
        heap = heaps.get(topic_id)
        if heap is None:
            heap = [(len(assignment[member]), member) for member in consumers[topic_id]]
            heapq.heapify(heap)
            heaps[topic_id] = heap
        member = _least_loaded(heap, assignment)
        assignment[member].add((topic_id, n))
        heapq.heappush(heap, (len(assignment[member]), member))


def _least_loaded(heap: list[tuple[int, str]], assignment: Assignment) -> str:
    """Take the least loaded member out; entries that other topics made stale are put right."""
    while True:
        load, member = heapq.heappop(heap)
        if load == len(assignment[member]):
            return member
        heapq.heappush(heap, (len(assignment[member]), member))


def _even_out(consumers: dict[UUID, list[str]], assignment: Assignment) -> None:
    """Move partitions while that evens the loads; each move lowers the sum of their squares."""
    moved = True
    while moved:
        moved = False
        for topic_id in sorted(consumers):
            while _move_one(topic_id, consumers[topic_id], assignment):
                moved = True


def _move_one(topic_id: UUID, members: list[str], assignment: Assignment) -> bool:
    if len(members) < 2:
        return False
    poorest = min(members, key=lambda m: (len(assignment[m]), m))
    floor = len(assignment[poorest]) + 1
    for member in sorted(members, key=lambda m: (-len(assignment[m]), m)):
        if len(assignment[member]) <= floor:
            return False
        mine = [partition for partition in assignment[member] if partition[0] == topic_id]
        if mine:
            partition = max(mine)
            assignment[member].discard(partition)
            assignment[poorest].add(partition)
            return True
    return False
