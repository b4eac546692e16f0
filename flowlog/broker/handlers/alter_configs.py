"""AlterConfigs (API key 33): replace all settings of resources.

Versions 0-2. Older clients use it; IncrementalAlterConfigs took its place.
Source: AlterConfigsRequest.json in apache/kafka; KIP-133.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 33
VERSIONS: Final = (0, 2)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.alter_configs
    rows = []
    for resource in request.resources:
        row = m.AlterConfigsResourceResponse(
            resource_type=resource.resource_type, resource_name=resource.resource_name
        )
        try:
            await context.services.configs.replace(
                resource.resource_type,
                resource.resource_name,
                [(config.name, config.value) for config in resource.configs],
                validate_only=request.validate_only,
            )
        except KafkaError as error:
            row.error_code, row.error_message = error.error_code, error.message
        rows.append(row)
    return m.AlterConfigsResponse(responses=tuple(rows))
