"""Heartbeat (API key 12): a member is alive; REBALANCE_IN_PROGRESS asks it to join again.

Versions 0-4. v3 adds static members (KIP-345), v4 is flexible.
Source: HeartbeatRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 12
VERSIONS: Final = (0, 4)


def handle(request: Any, context: RequestContext) -> Any:
    error = context.services.groups.heartbeat(
        request.group_id, request.member_id, request.group_instance_id, request.generation_id
    )
    return messages.heartbeat.HeartbeatResponse(error_code=error)
