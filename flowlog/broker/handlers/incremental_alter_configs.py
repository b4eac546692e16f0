"""IncrementalAlterConfigs (API key 44): set, delete, append to or subtract from single settings.

Versions 0-1; the versions differ in encoding only.
Source: IncrementalAlterConfigsRequest.json in apache/kafka; KIP-339.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.config_changes import Alteration, Operation
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 44
VERSIONS: Final = (0, 1)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.incremental_alter_configs
    rows = []
    for resource in request.resources:
        row = m.AlterConfigsResourceResponse(
            resource_type=resource.resource_type, resource_name=resource.resource_name
        )
        try:
            await context.services.configs.alter(
                resource.resource_type,
                resource.resource_name,
                [_alteration(config) for config in resource.configs],
                validate_only=request.validate_only,
            )
        except KafkaError as error:
            row.error_code, row.error_message = error.error_code, error.message
        rows.append(row)
    return m.IncrementalAlterConfigsResponse(responses=tuple(rows))


def _alteration(config: Any) -> Alteration:
    try:
        operation = Operation(config.config_operation)
    except ValueError:
        raise KafkaError(
            ErrorCode.invalid_request, f"{config.name}: unknown operation {config.config_operation}"
        ) from None
    return Alteration(config.name, operation, config.value)
