"""`flowlog`: partition p of all topics of a sub-topology stays together, and nothing moves but
what has to.

A *sub-topology* is, as far as a broker can see, the topics that are consumed by the same members
and have the same number of partitions; partition p of all of them is one *unit*, given to one
member: what a task joins is in one place. A *pool* is the units of all sub-topologies with the
same consumers.

Promises, for each pool of u units and m members:
- balance: each member has floor(u/m) or ceil(u/m) units;
- minimal movement: a member keeps what it has, up to its share. When one goes, only its units
  move; when one comes, only as many as it is to have;
- foresight: who gets a unit is decided by the hash of the member's name (its instance id, else
  its member id) and the unit's, so everybody who knows the assignment can tell beforehand who
  inherits what (`heirs`).
Where a member that goes was all the difference between two pools, they become one: that may cost
moves beyond its own units. Members of one app consume the same topics and never see it.

Rendezvous hashing with bounded loads: a unit goes to the member with the highest hash that has
room; sub-topologies are spread as evenly as that allows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from typing import NamedTuple, TypeAlias
from uuid import UUID

from .spec import Assignment, GroupSpec, Partition, kept, subscribers


class Unit(NamedTuple):
    """Partition `partition` of every topic in `topics`, which are sorted by name."""

    name: str  # of the sub-topology: its first topic's
    partition: int
    topics: tuple[UUID, ...]

    def partitions(self) -> Iterator[Partition]:
        return ((topic_id, self.partition) for topic_id in self.topics)


Holders: TypeAlias = dict[Unit, str]
Score: TypeAlias = Callable[[str, Unit], bytes]


def assign(group: GroupSpec) -> Assignment:
    assignment: Assignment = {member_id: set() for member_id in group.members}
    current = {p: member_id for member_id, mine in kept(group).items() for p in mine}
    for members, units in _pools(group):
        for unit, member_id in _assign_pool(group, members, units, current).items():
            assignment[member_id].update(unit.partitions())
    return assignment


def heirs(group: GroupSpec, lost_member_id: str) -> dict[Partition, str]:
    """Who gets each partition of a member when it is lost and nothing else changes."""
    left = {m: spec for m, spec in group.members.items() if m != lost_member_id}
    after = assign(GroupSpec(left, group.topics))
    new_owners = {p: member_id for member_id, mine in after.items() for p in mine}
    lost = group.members[lost_member_id].assigned
    return {p: new_owners[p] for p in lost if p in new_owners}


def _pools(group: GroupSpec) -> Iterator[tuple[tuple[str, ...], list[Unit]]]:
    """The units by their consumers, in an order that does not depend on ids."""
    subtopologies: dict[tuple[tuple[str, ...], int], list[UUID]] = defaultdict(list)
    for topic_id, consumers in subscribers(group).items():
        if consumers:
            subtopologies[tuple(consumers), group.topics[topic_id].partition_count].append(topic_id)
    pools: dict[tuple[str, ...], list[Unit]] = defaultdict(list)
    for (members, count), topic_ids in subtopologies.items():
        topics = tuple(sorted(topic_ids, key=lambda t: group.topics[t].name))
        name = group.topics[topics[0]].name
        pools[members] += (Unit(name, n, topics) for n in range(count))
    for members in sorted(pools):
        yield members, sorted(pools[members])


def _assign_pool(
    group: GroupSpec, members: tuple[str, ...], units: list[Unit], current: dict[Partition, str]
) -> Holders:
    names = {member_id: group.members[member_id].name.encode() for member_id in members}

    def score(member_id: str, unit: Unit) -> bytes:
        digest = blake2b(names[member_id], digest_size=8)
        digest.update(b"\0%d\0" % unit.partition + unit.name.encode())
        return digest.digest()

    holders = {u: m for u in units if (m := _holder(u, current)) in names and m is not None}
    room = _Room(members, len(units), Counter(holders.values()))
    _shed(holders, room, score)
    spread = _Spread(units, holders, len(members))
    for unit in units:
        if unit not in holders:
            member_id = max(
                room.members_with_room(),
                key=lambda m: (spread.has_room(m, unit), score(m, unit)),
            )
            room.take(member_id)
            spread.take(member_id, unit)
            holders[unit] = member_id
    return holders


def _holder(unit: Unit, current: dict[Partition, str]) -> str | None:
    """Who has the unit: whoever has most of it, the first of them by id."""
    counts = Counter(current[p] for p in unit.partitions() if p in current)
    return max(sorted(counts), key=lambda m: counts[m], default=None)


class _Room:
    """How many units each member may still take. All together that is as many as are left."""

    def __init__(self, members: tuple[str, ...], unit_count: int, loads: Counter[str]) -> None:
        self.share, self.extras = divmod(unit_count, len(members))
        self.loads = {member_id: loads[member_id] for member_id in members}
        # Who has more than a share keeps one extra, as long as there are any.
        self.allowed = dict.fromkeys(members, self.share)
        for member_id in sorted(members, key=lambda m: (-self.loads[m], m)):
            if self.extras and self.loads[member_id] > self.share:
                self.allowed[member_id] += 1
                self.extras -= 1

    def excess(self, member_id: str) -> int:
        return max(self.loads[member_id] - self.allowed[member_id], 0)

    def members_with_room(self) -> Iterable[str]:
        return [
            member_id
            for member_id, load in self.loads.items()
            if load < self.allowed[member_id] or (self.extras and load == self.share)
        ]

    def take(self, member_id: str) -> None:
        if self.loads[member_id] >= self.allowed[member_id]:
            self.extras -= 1
            self.allowed[member_id] += 1
        self.loads[member_id] += 1


def _shed(holders: Holders, room: _Room, score: Score) -> None:
    """Take from members what is above their share: what those who are short hash highest for."""
    short = [m for m in room.members_with_room() if room.loads[m] < room.share] or list(
        room.members_with_room()
    )
    for member_id in sorted(room.loads):
        excess = room.excess(member_id)
        if not excess:
            continue
        mine = [unit for unit, holder in holders.items() if holder == member_id]
        mine.sort(key=lambda u: max(score(m, u) for m in short), reverse=True)
        for unit in mine[:excess]:
            del holders[unit]
        room.loads[member_id] -= excess


class _Spread:
    """How many units of each sub-topology a member should have at most."""

    def __init__(self, units: list[Unit], holders: Holders, member_count: int) -> None:
        sizes = Counter(unit.name for unit in units)
        self._most = {name: -(-size // member_count) for name, size in sizes.items()}
        self._counts = Counter((member_id, unit.name) for unit, member_id in holders.items())

    def has_room(self, member_id: str, unit: Unit) -> bool:
        return self._counts[member_id, unit.name] < self._most[unit.name]

    def take(self, member_id: str, unit: Unit) -> None:
        self._counts[member_id, unit.name] += 1
