"""LeaveGroup (API key 13): members leave at once instead of by the end of their sessions.

Versions 0-5. v0-2 name one member and hear its outcome as the answer's own error; v3 takes many,
by member id or by instance id (KIP-345), each with its outcome; v4 is flexible, v5 adds reasons.
Source: LeaveGroupRequest.json in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.requests import LeaveResult, Leaving
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 13
VERSIONS: Final = (0, 5)
BATCHES_SINCE: Final = 3


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if context.version < BATCHES_SINCE:
        leaving = [Leaving(request.member_id)]
        return then(context.services.groups.leave(request.group_id, leaving), _single)
    leaving = [
        Leaving(row.member_id, row.group_instance_id, row.reason or "not provided")
        for row in request.members
    ]
    return then(context.services.groups.leave(request.group_id, leaving), _batch)


def _single(result: LeaveResult) -> Any:
    error = result.error
    if error is ErrorCode.none:
        error = result.members[0].error
    return messages.leave_group.LeaveGroupResponse(error_code=error)


def _batch(result: LeaveResult) -> Any:
    m = messages.leave_group
    return m.LeaveGroupResponse(
        error_code=result.error,
        members=tuple(
            m.MemberResponse(
                member_id=left.member_id,
                group_instance_id=left.group_instance_id,
                error_code=left.error,
            )
            for left in result.members
        ),
    )
