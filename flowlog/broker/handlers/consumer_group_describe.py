"""ConsumerGroupDescribe (API key 69): a KIP-848 group's state and members.

Versions 0-1. v1 says which members speak the classic protocol (KIP-1099). Every group asked for
has a row: GROUP_ID_NOT_FOUND for one of another kind, which clients then describe by its own API.
Source: ConsumerGroupDescribeRequest.json in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.consumer.views import ConsumerGroupView, ConsumerMemberView, TopicRow
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .operations import GROUP_OPERATIONS

API_KEY: Final = 69
VERSIONS: Final = (0, 1)

CLASSIC_MEMBER: Final = 0
CONSUMER_MEMBER: Final = 1


def handle(request: Any, context: RequestContext) -> Any:
    groups = tuple(_describe(group_id, context) for group_id in request.group_ids)
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code is ErrorCode.none:
                group.authorized_operations = GROUP_OPERATIONS
    return messages.consumer_group_describe.ConsumerGroupDescribeResponse(groups=groups)


def _describe(group_id: str, context: RequestContext) -> Any:
    try:
        if not group_id:
            raise KafkaError(ErrorCode.invalid_group_id, "a group's name cannot be empty")
        return _present(context.services.groups.describe_consumer_group(group_id))
    except KafkaError as error:
        return messages.consumer_group_describe.DescribedGroup(
            group_id=group_id, error_code=error.error_code, error_message=error.message
        )


def _present(group: ConsumerGroupView) -> Any:
    return messages.consumer_group_describe.DescribedGroup(
        group_id=group.group_id,
        group_state=group.state,
        group_epoch=group.group_epoch,
        assignment_epoch=group.target_epoch,
        assignor_name=group.assignor,
        members=tuple(map(_member, group.members)),
    )


def _member(member: ConsumerMemberView) -> Any:
    return messages.consumer_group_describe.Member(
        member_id=member.member_id,
        instance_id=member.instance_id,
        rack_id=member.rack_id,
        member_epoch=member.member_epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=tuple(member.topics),
        subscribed_topic_regex=member.regex or "",
        assignment=_assignment(member.assigned),
        target_assignment=_assignment(member.target),
        member_type=CLASSIC_MEMBER if member.is_classic else CONSUMER_MEMBER,
    )


def _assignment(rows: Sequence[TopicRow]) -> Any:
    m = messages.consumer_group_describe
    return m.Assignment(
        topic_partitions=tuple(
            m.TopicPartitions(
                topic_id=row.topic_id, topic_name=row.name, partitions=tuple(row.partitions)
            )
            for row in rows
        )
    )
