"""DescribeConfigs (API key 32): the settings of resources, with their sources.

Versions 1-4. v1 adds sources and synonyms, v3 types and documentation.
Source: DescribeConfigsRequest.json in apache/kafka; KIP-133, KIP-226, KIP-569.
"""

from __future__ import annotations

from typing import Any, Final

from flowlog.broker.admin.config_changes import ConfigEntry
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 32
VERSIONS: Final = (1, 4)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_configs
    rows = []
    for resource in request.resources:
        row = m.DescribeConfigsResult(
            resource_type=resource.resource_type, resource_name=resource.resource_name
        )
        try:
            entries = context.services.configs.describe(
                resource.resource_type, resource.resource_name
            )
        except KafkaError as error:
            row.error_code, row.error_message = error.error_code, error.message
        else:
            wanted = resource.configuration_keys
            row.configs = tuple(
                _config_row(entry, request)
                for entry in entries
                if not wanted or entry.key.name in wanted
            )
        rows.append(row)
    return m.DescribeConfigsResponse(results=tuple(rows))


def _config_row(entry: ConfigEntry, request: Any) -> Any:
    m = messages.describe_configs
    return m.DescribeConfigsResourceResult(
        name=entry.key.name,
        value=entry.text,
        read_only=entry.is_read_only,
        config_source=int(entry.source),
        config_type=int(entry.key.type),
        documentation=entry.key.doc if request.include_documentation else None,
        synonyms=tuple(
            m.DescribeConfigsSynonym(name=layer.name, value=layer.text, source=int(layer.source))
            for layer in entry.synonyms
        )
        if request.include_synonyms
        else (),
    )
