"""How a member moves from what it holds towards its target, one answer at a time.

    stable ──► unrevoked: gives up first, stays in its epoch
       │           │ no longer reports what it was asked to give up
       ▼           ▼
    stable or unreleased: in the target's epoch, with all of it that is free

A partition is free when no member holds it or has still to give it up, so no partition has two
owners at any time.
Source: `CurrentAssignmentBuilder` in apache/kafka 4.3, group-coordinator; KIP-848.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import NamedTuple, TypeAlias
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

from .member import CurrentAssignment, MemberState, Owned, Target

Reported: TypeAlias = Mapping[UUID, Set[int]]
"""The partitions that a member says it owns."""


class Goal(NamedTuple):
    """Where a member is to get to.

    `subscribed` are the topics that it consumes now: it gives up others at once, also while the
    target does not say so yet. `is_owned` says whether another member holds a partition.
    """

    epoch: int
    target: Target
    subscribed: Set[UUID]
    subscription_changed: bool
    is_owned: Callable[[UUID, int], bool]


def reconcile(
    current: CurrentAssignment, goal: Goal, reported: Reported | None
) -> CurrentAssignment:
    """The member's next step; `current` itself where there is none to take.

    Raises:
        KafkaError: FENCED_MEMBER_EPOCH for a state that a newer broker has left.
    """
    match current.state:
        case MemberState.STABLE if current.member_epoch == goal.epoch:
            return _unsubscribed(current, goal, reported)
        case MemberState.UNREVOKED if _still_owns(current.revoking, reported):
            return _unsubscribed(current, goal, reported)
        case MemberState.UNKNOWN if reported is None or reported:
            raise KafkaError(
                ErrorCode.fenced_member_epoch,
                "The consumer group member is in a unknown state. "
                "The member must abandon all its partitions and rejoin.",
            )
    return _next(current, goal, reported)


def _unsubscribed(
    current: CurrentAssignment, goal: Goal, reported: Reported | None
) -> CurrentAssignment:
    """Ask back what the member does not consume any more."""
    if not goal.subscription_changed:
        return current
    gone = {t: owned for t, owned in current.assigned.items() if t not in goal.subscribed}
    if not gone:
        return current
    kept = {t: owned for t, owned in current.assigned.items() if t in goal.subscribed}
    if current.state is MemberState.STABLE and not _still_owns(gone, reported):
        return current._replace(assigned=kept)
    revoking = {t: dict(owned) for t, owned in current.revoking.items()}
    for topic_id, owned in gone.items():
        revoking.setdefault(topic_id, {}).update(owned)
    return current._replace(state=MemberState.UNREVOKED, assigned=kept, revoking=revoking)


def _next(current: CurrentAssignment, goal: Goal, reported: Reported | None) -> CurrentAssignment:
    kept: dict[UUID, dict[int, int]] = {}
    revoked: dict[UUID, dict[int, int]] = {}
    for topic_id, owned in current.assigned.items():
        target = goal.target.get(topic_id, frozenset())
        is_subscribed = topic_id in goal.subscribed
        for partition, epoch in owned.items():
            stays = is_subscribed and partition in target
            (kept if stays else revoked).setdefault(topic_id, {})[partition] = epoch
    if revoked and _still_owns(revoked, reported):
        waiting = current.in_epoch(current.member_epoch)
        return waiting._replace(state=MemberState.UNREVOKED, assigned=kept, revoking=revoked)
    given, is_complete = _given(kept, goal)
    for topic_id, partitions in given.items():
        kept.setdefault(topic_id, {}).update(dict.fromkeys(partitions, goal.epoch))
    state = MemberState.STABLE if is_complete else MemberState.UNRELEASED
    return current.in_epoch(goal.epoch)._replace(state=state, assigned=kept, revoking={})


def _given(kept: Owned, goal: Goal) -> tuple[dict[UUID, set[int]], bool]:
    """What of the target the member does not have and may take, and whether that is all."""
    given: dict[UUID, set[int]] = {}
    is_complete = True
    for topic_id, partitions in goal.target.items():
        if topic_id not in goal.subscribed:
            continue
        have = kept.get(topic_id, {})
        for partition in partitions:
            if partition in have:
                continue
            if goal.is_owned(topic_id, partition):
                is_complete = False
            else:
                given.setdefault(topic_id, set()).add(partition)
    return given, is_complete


def _still_owns(owned: Owned, reported: Reported | None) -> bool:
    """Whether the member reports any of these; one that reports nothing may own them all."""
    if reported is None:
        return True
    return any(
        not reported[topic_id].isdisjoint(partitions)
        for topic_id, partitions in owned.items()
        if topic_id in reported
    )
