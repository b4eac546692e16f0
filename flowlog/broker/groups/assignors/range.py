"""`range`: each topic in contiguous pieces, by the order of members: partition n of topics that
have the same partition count and the same consumers goes to the same member.

The order is by instance id, members without one behind those with one, by member id. So static
members keep their places; there is no other stickiness.
Source: `RangeAssignor` in apache/kafka, group-coordinator, for what it promises; KIP-848.
"""

from __future__ import annotations

from .spec import Assignment, GroupSpec, subscribers


def assign(group: GroupSpec) -> Assignment:
    assignment: Assignment = {member_id: set() for member_id in group.members}
    for topic_id, members in subscribers(group).items():
        if not members:
            continue
        share, extras = divmod(group.topics[topic_id].partition_count, len(members))
        next_partition = 0
        for index, member_id in enumerate(sorted(members, key=lambda m: _place(group, m))):
            end = next_partition + share + (index < extras)
            assignment[member_id].update((topic_id, n) for n in range(next_partition, end))
            next_partition = end
    return assignment


def _place(group: GroupSpec, member_id: str) -> tuple[bool, str]:
    instance_id = group.members[member_id].instance_id
    return (instance_id is None, instance_id or member_id)
