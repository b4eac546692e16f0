"""DescribeClientQuotas (API key 48): the limits of users, clients and addresses that match.

Versions 0-1; the versions differ in encoding only.
Source: DescribeClientQuotasRequest.json in apache/kafka; KIP-546.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.admin.quotas import quota_filter
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 48
VERSIONS: Final = (0, 1)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_client_quotas
    try:
        wanted = quota_filter(
            [(row.entity_type, row.match_type, row.match) for row in request.components],
            strict=request.strict,
        )
    except KafkaError as error:
        return m.DescribeClientQuotasResponse(
            error_code=error.error_code, error_message=error.message, entries=None
        )
    return m.DescribeClientQuotasResponse(
        entries=tuple(
            m.EntryData(
                entity=tuple(
                    m.EntityData(entity_type=kind, entity_name=name) for kind, name in entity
                ),
                values=tuple(m.ValueData(key=key, value=value) for key, value in limits.items()),
            )
            for entity, limits in context.services.quotas.find(wanted)
        )
    )
