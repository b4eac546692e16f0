"""JoinGroup (API key 11): become or stay a member of a classic group; wait for the others.

Versions 0-9. v1 adds the rebalance timeout (before, the session timeout served as both), v4 makes
new dynamic members ask twice (KIP-394), v5 static members (KIP-345), v6 is flexible, v7 a null
protocol on errors, v8 reasons (KIP-800), v9 tells a leader to skip the assignment (KIP-814).
Source: JoinGroupRequest.json in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final
from uuid import uuid4

from flowlog.broker.groups.requests import Join, JoinResult, Protocol
from flowlog.broker.wire import messages

from .context import RequestContext
from .later import then

API_KEY: Final = 11
VERSIONS: Final = (0, 9)
MEMBER_ID_FIRST_SINCE: Final = 4
SKIP_ASSIGNMENT_SINCE: Final = 9
NOT_GIVEN: Final = -1
NAME_CHARS_MAX: Final = 1_000
"""Of a name in a member id: a longer one would not fit beside the rest into what a leader reads."""


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    return then(context.services.groups.join(_join(request, context)), _response)


def _join(request: Any, context: RequestContext) -> Join:
    rebalance_timeout_ms = request.rebalance_timeout_ms
    client_id = context.client_id or ""
    return Join(
        group_id=request.group_id,
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        client_id=client_id,
        client_host=context.client_host,
        session_timeout_ms=request.session_timeout_ms,
        rebalance_timeout_ms=request.session_timeout_ms
        if rebalance_timeout_ms == NOT_GIVEN
        else rebalance_timeout_ms,
        protocol_type=request.protocol_type,
        protocols=tuple(Protocol(p.name, bytes(p.metadata)) for p in request.protocols),
        new_member_id=f"{(request.group_instance_id or client_id)[:NAME_CHARS_MAX]}-{uuid4()}",
        reason=request.reason or "not provided",
        needs_member_id_first=context.version >= MEMBER_ID_FIRST_SINCE,
        may_skip_assignment=context.version >= SKIP_ASSIGNMENT_SINCE,
    )


def _response(result: JoinResult) -> Any:
    m = messages.join_group
    return m.JoinGroupResponse(
        error_code=result.error,
        generation_id=result.generation_id,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name,
        leader=result.leader_id,
        skip_assignment=result.skip_assignment,
        member_id=result.member_id,
        members=tuple(
            m.JoinGroupResponseMember(
                member_id=member.member_id,
                group_instance_id=member.group_instance_id,
                metadata=member.metadata,
            )
            for member in result.members
        ),
    )
