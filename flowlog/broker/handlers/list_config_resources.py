"""ListConfigResources (API key 74): which topics, brokers, groups and subscriptions have settings.

Versions 0-1. v0 knew client metrics subscriptions only (ListClientMetricsResources), v1 all kinds
and a choice among them.
Source: ListConfigResourcesRequest.json in apache/kafka; KIP-1142.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.controller.image import ResourceType
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 74
VERSIONS: Final = (0, 1)
KINDS_SINCE: Final = 1


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.list_config_resources
    wanted = request.resource_types
    if context.version < KINDS_SINCE:
        wanted = (ResourceType.CLIENT_METRICS,)
    try:
        found = list(context.services.configs.resources(wanted))
    except KafkaError as error:
        return m.ListConfigResourcesResponse(error_code=error.error_code)
    return m.ListConfigResourcesResponse(
        config_resources=tuple(
            m.ConfigResource(resource_type=int(kind), resource_name=name) for kind, name in found
        )
    )
