"""DeleteGroups (API key 42): remove groups without members, with all their offsets.

Versions 0-2. v2 is flexible. Each group has its own outcome.
Source: DeleteGroupsRequest.json in apache/kafka; KIP-229.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 42
VERSIONS: Final = (0, 2)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    names: tuple[str, ...] = request.groups_names
    outcomes = [context.services.groups.delete_group(name) for name in names]
    if any(isinstance(outcome, Awaitable) for outcome in outcomes):
        return _wait_for_all(names, outcomes)
    return _response(names, outcomes)


async def _wait_for_all(names: tuple[str, ...], outcomes: list[Any]) -> Any:
    return _response(names, [await o if isinstance(o, Awaitable) else o for o in outcomes])


def _response(names: tuple[str, ...], outcomes: list[ErrorCode | Any]) -> Any:
    m = messages.delete_groups
    return m.DeleteGroupsResponse(
        results=tuple(
            m.DeletableGroupResult(group_id=name, error_code=outcome)
            for name, outcome in zip(names, outcomes, strict=True)
        )
    )
