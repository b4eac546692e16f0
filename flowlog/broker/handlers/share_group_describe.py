"""ShareGroupDescribe (API key 77): a share group's state and members.

Version 1. Every group asked for has a row: GROUP_ID_NOT_FOUND for one of another kind.
Source: ShareGroupDescribeRequest.json in apache/kafka; KIP-932.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.share.views import ShareGroupView, ShareMemberView
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .operations import GROUP_OPERATIONS
from .share_enabled import share_enabled

API_KEY: Final = 77
VERSIONS: Final = (1, 1)


def handle(request: Any, context: RequestContext) -> Any:
    groups = tuple(_describe(group_id, context) for group_id in request.group_ids)
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code is ErrorCode.none:
                group.authorized_operations = GROUP_OPERATIONS
    return messages.share_group_describe.ShareGroupDescribeResponse(groups=groups)


def _describe(group_id: str, context: RequestContext) -> Any:
    try:
        if not share_enabled(context):
            raise KafkaError(ErrorCode.unsupported_version)
        if not group_id:
            raise KafkaError(ErrorCode.invalid_group_id)
        return _present(context.services.groups.share.describe(group_id))
    except KafkaError as error:
        return messages.share_group_describe.DescribedGroup(
            group_id=group_id, error_code=error.error_code, error_message=error.message
        )


def _present(group: ShareGroupView) -> Any:
    return messages.share_group_describe.DescribedGroup(
        group_id=group.group_id,
        group_state=group.state,
        group_epoch=group.group_epoch,
        assignment_epoch=group.target_epoch,
        assignor_name=group.assignor,
        members=tuple(map(_member, group.members)),
    )


def _member(member: ShareMemberView) -> Any:
    m = messages.share_group_describe
    return m.Member(
        member_id=member.member_id,
        rack_id=member.rack_id,
        member_epoch=member.member_epoch,
        client_id=member.client_id,
        client_host=member.client_host,
        subscribed_topic_names=tuple(member.topics),
        assignment=m.Assignment(
            topic_partitions=tuple(
                m.TopicPartitions(
                    topic_id=row.topic_id, topic_name=row.name, partitions=tuple(row.partitions)
                )
                for row in member.assigned
            )
        ),
    )
