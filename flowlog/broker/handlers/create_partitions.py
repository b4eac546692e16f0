"""CreatePartitions (API key 37): give topics more partitions, each with its own outcome.

Versions 0-3; the versions differ in encoding only.
Source: CreatePartitionsRequest.json in apache/kafka; KIP-195.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 37
VERSIONS: Final = (0, 3)


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.create_partitions
    names = [topic.name for topic in request.topics]
    rows = {}  # one for a name that stands twice
    for topic in request.topics:
        row = m.CreatePartitionsTopicResult(name=topic.name)
        try:
            if names.count(topic.name) > 1:
                raise KafkaError(ErrorCode.invalid_request, f"{topic.name!r} stands twice")
            await context.services.topics.grow(
                topic.name,
                topic.count,
                None
                if topic.assignments is None
                else [tuple(given.broker_ids) for given in topic.assignments],
                validate_only=request.validate_only,
            )
        except KafkaError as error:
            row.error_code, row.error_message = error.error_code, error.message
        rows[topic.name] = row
    return m.CreatePartitionsResponse(results=tuple(rows.values()))
