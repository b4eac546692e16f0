"""DeleteTopics (API key 20): delete topics by name or id, each with its own outcome.

Versions 1-6. v5 adds error messages, v6 names topics by id too. Records of a deleted topic are
gone at once; a topic made again under the name has another id.
Source: DeleteTopicsRequest.json in apache/kafka; KIP-516.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.image import MetadataImage, TopicImage
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 20
VERSIONS: Final = (1, 6)
BY_ID_SINCE: Final = 6


async def handle(request: Any, context: RequestContext) -> Any:
    m = messages.delete_topics
    rows = {}  # one for a topic that stands twice
    if context.version < BY_ID_SINCE:
        wanted: list[tuple[str | None, UUID | None]] = [
            (name, None) for name in request.topic_names
        ]
    else:
        wanted = [(topic.name, topic.topic_id) for topic in request.topics]
    for name, topic_id in wanted:
        row = m.DeletableTopicResult(name=name, topic_id=topic_id)
        try:
            if wanted.count((name, topic_id)) > 1:
                raise KafkaError(ErrorCode.invalid_request, f"{name or topic_id} stands twice")
            row.name, row.topic_id = await _delete(name, topic_id, context)
        except KafkaError as error:
            row.error_code, row.error_message = error.error_code, error.message
        rows[name, topic_id] = row
    return m.DeleteTopicsResponse(responses=tuple(rows.values()))


async def _delete(
    name: str | None, topic_id: UUID | None, context: RequestContext
) -> tuple[str, UUID]:
    if not context.services.config.boolean("delete.topic.enable"):
        raise KafkaError(ErrorCode.topic_deletion_disabled, "delete.topic.enable is false")
    found: list[tuple[str, UUID]] = []

    def find(image: MetadataImage) -> TopicImage:
        if topic_id is not None:
            if name is not None:
                raise KafkaError(ErrorCode.invalid_request, "give a name or an id, not both")
            topic = image.topics_by_id.get(topic_id)
            missing = ErrorCode.unknown_topic_id
        elif name is None:
            raise KafkaError(ErrorCode.invalid_request, "give a name or an id")
        else:
            topic = image.topic(name)
            missing = ErrorCode.unknown_topic_or_partition
        if topic is None:
            raise KafkaError(missing, f"no topic {name or topic_id}")
        found.append((topic.name, topic.topic_id))
        return topic

    await context.services.topics.delete(find)
    return found[0]
