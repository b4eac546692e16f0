"""DescribeGroups (API key 15): a group's state and members.

Versions 0-6. v3 can ask for the operations that the client is allowed, v4 adds instance ids, v5 is
flexible. A group that does not exist is described as Dead; from v6 (KIP-1043) it is also an error.
Source: DescribeGroupsRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.classic.states import GroupState
from flowlog.broker.groups.views import GroupView
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 15
VERSIONS: Final = (0, 6)
MISSING_IS_AN_ERROR_SINCE: Final = 6

# Read, delete, describe, describe and alter configs: everything a group has, as there is no
# authorizer yet. Bits by the codes of `AclOperation` in apache/kafka.
ALL_OPERATIONS: Final = 1 << 3 | 1 << 6 | 1 << 8 | 1 << 10 | 1 << 11


def handle(request: Any, context: RequestContext) -> Any:
    groups = tuple(_describe(group_id, context) for group_id in request.groups)
    if request.include_authorized_operations:
        for group in groups:
            if group.error_code is ErrorCode.none:
                group.authorized_operations = ALL_OPERATIONS
    return messages.describe_groups.DescribeGroupsResponse(groups=groups)


def _describe(group_id: str, context: RequestContext) -> Any:
    try:
        return _present(context.services.groups.describe(group_id))
    except KafkaError as error:
        if error.error_code is ErrorCode.group_id_not_found:
            return _missing(group_id, error.message, context.version)
        return messages.describe_groups.DescribedGroup(
            group_id=group_id, error_code=error.error_code
        )


def _missing(group_id: str, message: str | None, version: int) -> Any:
    described = messages.describe_groups.DescribedGroup(
        group_id=group_id, group_state=GroupState.DEAD.value
    )
    if version >= MISSING_IS_AN_ERROR_SINCE:
        described.error_code = ErrorCode.group_id_not_found
        described.error_message = message
    return described


def _present(group: GroupView) -> Any:
    m = messages.describe_groups
    return m.DescribedGroup(
        group_id=group.group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol_name,
        members=tuple(
            m.DescribedGroupMember(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                member_metadata=member.metadata,
                member_assignment=member.assignment,
            )
            for member in group.members
        ),
    )
