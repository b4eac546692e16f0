"""Whether a heartbeat of KIP-848 makes sense, and whether its sender is who it says.

Every function raises `KafkaError` with the code and the text that Kafka has for it.
"""

from __future__ import annotations

from kio.schema.errors import ErrorCode

from flowlog.errors import KafkaError

from .member import LEAVE_FOR_NOW_EPOCH, CurrentAssignment, Owned
from .reconciling import Reported
from .requests import NOT_GIVEN, ConsumerHeartbeat
from .state import ConsumerState


def check_request(request: ConsumerHeartbeat, assignors: tuple[str, ...]) -> None:
    """What can be said without knowing the group.

    Raises:
        KafkaError: INVALID_REQUEST or UNSUPPORTED_ASSIGNOR.
    """
    named = (
        (request.member_id, "MemberId"),
        (request.group_id, "GroupId"),
        (request.instance_id, "InstanceId"),
        (request.rack_id, "RackId"),
    )
    for text, name in named:
        if text is not None and not text.strip():
            raise invalid(f"{name} can't be empty.")
    if request.member_epoch == 0:
        _check_joining(request)
    elif request.member_epoch == LEAVE_FOR_NOW_EPOCH and request.instance_id is None:
        raise invalid("InstanceId can't be null.")
    elif request.member_epoch < LEAVE_FOR_NOW_EPOCH:
        raise invalid("MemberEpoch is invalid.")
    if request.assignor is not None and request.assignor not in assignors:
        raise KafkaError(
            ErrorCode.unsupported_assignor,
            f"ServerAssignor {request.assignor} is not supported. "
            f"Supported assignors: {', '.join(assignors)}.",
        )


def _check_joining(request: ConsumerHeartbeat) -> None:
    if request.rebalance_timeout_ms == NOT_GIVEN:
        raise invalid("RebalanceTimeoutMs must be provided in first request.")
    if request.owned is None or request.owned:
        raise invalid("TopicPartitions must be empty when (re-)joining.")
    if request.topics is None and request.regex is None:
        raise invalid(
            "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when "
            "(re-)joining."
        )


def invalid(text: str) -> KafkaError:
    return KafkaError(ErrorCode.invalid_request, text)


def unknown_member(member_id: str, group_id: str) -> KafkaError:
    return KafkaError(
        ErrorCode.unknown_member_id, f"Member {member_id} is not a member of group {group_id}."
    )


def not_found(group_id: str) -> KafkaError:
    return KafkaError(ErrorCode.group_id_not_found, f"Group {group_id} not found.")


def not_a_consumer_group(group_id: str) -> KafkaError:
    return KafkaError(ErrorCode.group_id_not_found, f"Group {group_id} is not a consumer group.")


def check_epoch(current: CurrentAssignment, epoch: int, owned: Reported | None) -> None:
    """Whether a member is where we think it is; 0 is a member that starts anew.

    It may be one step behind, with nothing that it has lost since: the answer that told it to go
    on may not have reached it.

    Raises:
        KafkaError: FENCED_MEMBER_EPOCH.
    """
    if epoch in (0, current.member_epoch):
        return
    if epoch == current.previous_epoch and _is_within(owned, current.assigned):
        return
    word = "greater" if epoch > current.member_epoch else "smaller"
    raise KafkaError(
        ErrorCode.fenced_member_epoch,
        f"The consumer group member has a {word} member epoch ({epoch}) than the one known by "
        f"the group coordinator ({current.member_epoch}). "
        "The member must abandon all its partitions and rejoin.",
    )


def _is_within(owned: Reported | None, assigned: Owned) -> bool:
    return owned is not None and all(
        topic_id in assigned and partitions <= assigned[topic_id].keys()
        for topic_id, partitions in owned.items()
    )


def check_static(state: ConsumerState, member_id: str, instance_id: str) -> None:
    """Whether the static member is this one.

    Raises:
        KafkaError: UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID.
    """
    present = state.static_ids.get(instance_id)
    if present is None:
        raise KafkaError(ErrorCode.unknown_member_id, f"Instance id {instance_id} is unknown.")
    if present != member_id:
        raise KafkaError(
            ErrorCode.fenced_instance_id,
            f"Static member {member_id} with instance id {instance_id} was fenced by member "
            f"{present}.",
        )


def check_released(state: ConsumerState, present: str, member_id: str, instance_id: str) -> None:
    """Whether a static member's place is free: the one before has said that it goes for now.

    Raises:
        KafkaError: UNRELEASED_INSTANCE_ID.
    """
    if state.held_by(present).member_epoch != LEAVE_FOR_NOW_EPOCH:
        raise KafkaError(
            ErrorCode.unreleased_instance_id,
            f"Static member {member_id} with instance id {instance_id} cannot join the group "
            f"because the instance id is owned by {present} member.",
        )
