"""Consumer groups: list, describe, committed offsets, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .cluster import Cluster
from .committed import committed_entries
from .errors import ClientError, client_error, group_not_found
from .offsets import Partition


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """A group as the coordinators list it; `type` is "classic" or "consumer" (KIP-848)."""

    group_id: str
    state: str
    type: str


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One consumer of a group; `instance_id` is "" for a dynamic member."""

    member_id: str
    instance_id: str
    client_id: str
    host: str
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class GroupDetail:
    """A group with its members."""

    group_id: str
    state: str
    type: str
    assignor: str
    coordinator: str
    members: tuple[GroupMember, ...]


def list_groups(cluster: Cluster) -> tuple[GroupSummary, ...]:
    """All groups that the coordinators know, by name."""
    listed = cluster.wait(
        cluster.admin.list_consumer_groups(request_timeout=cluster.timeout_s), "list groups"
    )
    if not listed.valid and listed.errors:
        raise client_error(listed.errors[0].args[0], "list groups")
    summaries = [GroupSummary(g.group_id, _word(g.state), _word(g.type)) for g in listed.valid]
    return tuple(sorted(summaries, key=lambda summary: summary.group_id))


def describe_group(cluster: Cluster, group_id: str) -> GroupDetail:
    """State, assignor, coordinator and members.

    Raises:
        ClientError: GROUP_NOT_FOUND; a group that is dead counts as not there.
    """
    futures = cluster.admin.describe_consumer_groups([group_id], request_timeout=cluster.timeout_s)
    try:
        found = cluster.wait(futures[group_id], f"describe group {group_id!r}")
    except ClientError as error:
        if error.code == "GROUP_NOT_FOUND":
            raise _unknown(cluster, group_id) from None
        raise
    if _word(found.state) == "dead":
        raise _unknown(cluster, group_id)
    members = sorted((_member(member) for member in found.members), key=lambda m: m.member_id)
    return GroupDetail(
        group_id=group_id,
        state=_word(found.state),
        type=_word(found.type),
        assignor=str(found.partition_assignor or ""),
        coordinator=f"{found.coordinator.host}:{found.coordinator.port}"
        if found.coordinator
        else "",
        members=tuple(members),
    )


def committed_offsets(cluster: Cluster, group_id: str) -> dict[Partition, int]:
    """Each partition's committed offset: the next record the group will read."""
    entries = committed_entries(cluster, group_id)
    committed = {Partition(entry.topic, entry.partition): entry.offset for entry in entries}
    return dict(sorted(committed.items()))


def alter_offsets(cluster: Cluster, group_id: str, offsets: Mapping[Partition, int]) -> None:
    """Commit these offsets on the group's behalf; it must have no members.

    Raises:
        ClientError: GROUP_NOT_EMPTY when somebody consumes.
    """
    from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition

    entries = [TopicPartition(p.topic, p.number, offset) for p, offset in offsets.items()]
    doing = f"reset the offsets of group {group_id!r}"
    futures = cluster.admin.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group_id, entries)], request_timeout=cluster.timeout_s
    )
    try:
        answer = cluster.wait(futures[group_id], doing)
    except ClientError as error:
        raise _occupied(error, group_id) from None
    for entry in answer.topic_partitions:
        if entry.error is not None:
            raise _occupied(client_error(entry.error, doing), group_id)


def delete_group(cluster: Cluster, group_id: str) -> None:
    """Forget the group and its committed offsets; it must have no members."""
    futures = cluster.admin.delete_consumer_groups([group_id], request_timeout=cluster.timeout_s)
    try:
        cluster.wait(futures[group_id], f"delete group {group_id!r}")
    except ClientError as error:
        if error.code == "GROUP_NOT_FOUND":
            raise _unknown(cluster, group_id) from None
        raise


def _occupied(error: ClientError, group_id: str) -> ClientError:
    """A commit from outside is refused as if by an unknown member while a group has members."""
    if error.code not in ("UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS"):
        return error
    return ClientError(
        f"cannot reset the offsets of group {group_id!r}: it has members",
        code="GROUP_NOT_EMPTY",
        try_command=f"flowlog groups members {group_id}",
    )


def _unknown(cluster: Cluster, group_id: str) -> ClientError:
    return group_not_found(group_id, (summary.group_id for summary in list_groups(cluster)))


def _member(member: Any) -> GroupMember:
    assigned = member.assignment.topic_partitions if member.assignment else []
    return GroupMember(
        member_id=member.member_id,
        instance_id=member.group_instance_id or "",
        client_id=member.client_id,
        host=str(member.host).lstrip("/"),
        partitions=tuple(sorted(Partition(p.topic, p.partition) for p in assigned)),
    )


def _word(state: Any) -> str:
    """PREPARING_REBALANCING or ConsumerGroupState.STABLE as lower-case words."""
    name = "" if state is None else str(getattr(state, "name", state))
    return name.lower().replace("_", " ")
