"""SyncGroup (API key 14): the leader brings the assignment, every member gets its part.

Versions 0-5. v3 adds static members (KIP-345), v4 is flexible, v5 names the protocol on both
sides so that a member that missed a change of it is told.
Source: SyncGroupRequest.json in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.groups.requests import Sync, SyncResult
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 14
VERSIONS: Final = (0, 5)
PROTOCOL_SINCE: Final = 5


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if context.version >= PROTOCOL_SINCE and None in (request.protocol_type, request.protocol_name):
        return _response(SyncResult(ErrorCode.inconsistent_group_protocol))
    sync = Sync(
        group_id=request.group_id,
        generation_id=request.generation_id,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        protocol_type=request.protocol_type,
        protocol_name=request.protocol_name,
        assignments={row.member_id: bytes(row.assignment) for row in request.assignments},
    )
    return then(context.services.groups.sync(sync), _response)


def _response(result: SyncResult) -> Any:
    return messages.sync_group.SyncGroupResponse(
        error_code=result.error,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name,
        assignment=result.assignment,
    )
