"""ListGroups (API key 16): the groups that this broker coordinates.

Versions 0-5. v3 is flexible, v4 filters by state (KIP-518), v5 by type (KIP-848): without regard
to case, and an unknown name matches nothing.
Source: ListGroupsRequest.json in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 16
VERSIONS: Final = (0, 5)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.list_groups
    try:
        groups = context.services.groups.list_groups()
    except KafkaError as error:
        return m.ListGroupsResponse(error_code=error.error_code)
    states, types = _names(request.states_filter), _names(request.types_filter)
    return m.ListGroupsResponse(
        groups=tuple(
            m.ListedGroup(
                group_id=group.group_id,
                protocol_type=group.protocol_type,
                group_state=group.state,
                group_type=group.group_type,
            )
            for group in groups
            if (not states or group.state.lower() in states)
            and (not types or group.group_type in types)
        )
    )


def _names(wanted: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in wanted)
