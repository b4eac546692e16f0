"""Whether a heartbeat of a share group makes sense, and whether its sender is who it says.

Every function raises `KafkaError` with the code and the text that Kafka has for it.
"""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from flowlog.broker.coordinator.decision import Now
from flowlog.errors import KafkaError

from ..consumer.checks import invalid, not_found
from ..context import GroupContext
from ..group import Group
from .draft import ShareDraft
from .group import ShareGroup
from .member import JOIN_EPOCH, LEAVE_EPOCH, ShareAssignment
from .requests import ShareHeartbeat


def check_request(request: ShareHeartbeat) -> None:
    """What can be said without knowing the group.

    Raises:
        KafkaError: INVALID_REQUEST.
    """
    named = (
        (request.member_id, "MemberId"),
        (request.group_id, "GroupId"),
        (request.rack_id, "RackId"),
    )
    for text, name in named:
        if text is not None and not text.strip():
            raise invalid(f"{name} can't be empty.")
    if request.member_epoch == JOIN_EPOCH:
        if not request.topics:
            raise invalid("SubscribedTopicNames must be set in first request.")
    elif request.member_epoch < LEAVE_EPOCH:
        raise invalid("MemberEpoch is invalid.")


def check_epoch(current: ShareAssignment, epoch: int) -> None:
    """Whether a member is where we think it is; 0 is a member that starts anew.

    It may be one step behind: the answer that told it to go on may not have reached it.

    Raises:
        KafkaError: FENCED_MEMBER_EPOCH.
    """
    if epoch in (JOIN_EPOCH, current.member_epoch, current.previous_epoch):
        return
    is_ahead = epoch > current.member_epoch
    previous = "" if is_ahead else f" and previous epoch ({current.previous_epoch})"
    raise KafkaError(
        ErrorCode.fenced_member_epoch,
        f"The share group member has a {'greater' if is_ahead else 'smaller'} member epoch "
        f"({epoch}) than the one known by the group coordinator ({current.member_epoch})"
        f"{previous}. The member must abandon all its partitions and rejoin.",
    )


def draft_for(
    context: GroupContext, group: Group | None, group_id: str, now: Now, *, creates: bool
) -> ShareDraft:
    """A decision to be made about the group.

    Raises:
        KafkaError: GROUP_ID_NOT_FOUND: there is none and none is made, or one of another kind.
    """
    if group is None and creates:
        created = ShareGroup(group_id, context)
        context.arriving[group_id] = created
        return ShareDraft(created, now)
    if group is None:
        raise KafkaError(ErrorCode.group_id_not_found, f"Share group {group_id} not found.")
    return ShareDraft(share_group(group, group_id), now)


def share_group(group: Group | None, group_id: str) -> ShareGroup:
    """Raises `KafkaError`: GROUP_ID_NOT_FOUND."""
    if group is None:
        raise not_found(group_id)
    if not isinstance(group, ShareGroup):
        raise not_a_share_group(group_id)
    return group


def not_a_share_group(group_id: str) -> KafkaError:
    return KafkaError(ErrorCode.group_id_not_found, f"Group {group_id} is not a share group.")
