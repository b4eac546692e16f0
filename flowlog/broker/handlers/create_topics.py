"""CreateTopics (API key 19): make topics, each with its own outcome.

Versions 2-7. v5 returns counts and settings, v7 the topic's id. The answer leaves when every
partition of the new topics has a leader, so a client can produce at once.
Source: CreateTopicsRequest.json in apache/kafka.
"""

from __future__ import annotations

from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import CreatedTopic, NewTopic
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext

API_KEY: Final = 19
VERSIONS: Final = (2, 7)
UNKNOWN: Final = -1


async def handle(request: Any, context: RequestContext) -> Any:
    wishes = [_wish(topic) for topic in request.topics]
    outcomes = await context.services.topics.create(wishes, validate_only=request.validate_only)
    rows = {  # one for a name that stands twice
        wish.name: _refused(wish.name, outcome)
        if isinstance(outcome, KafkaError)
        else _created(wish, outcome, context)
        for wish, outcome in zip(wishes, outcomes, strict=True)
    }
    return messages.create_topics.CreateTopicsResponse(topics=tuple(rows.values()))


def _wish(topic: Any) -> NewTopic:
    return NewTopic(
        name=topic.name,
        partition_count=topic.num_partitions,
        replication_factor=topic.replication_factor,
        assignments=tuple(
            (row.partition_index, tuple(row.broker_ids)) for row in topic.assignments
        ),
        configs={config.name: config.value for config in topic.configs},
    )


def _refused(name: str, error: KafkaError) -> Any:
    return messages.create_topics.CreatableTopicResult(
        name=name,
        error_code=error.error_code,
        error_message=error.message,
        topic_config_error_code=0,
        num_partitions=UNKNOWN,
        replication_factor=UNKNOWN,
        configs=(),
    )


def _created(wish: NewTopic, topic: CreatedTopic, context: RequestContext) -> Any:
    m = messages.create_topics
    given = {key: text for key, text in wish.configs.items() if text is not None}
    return m.CreatableTopicResult(
        name=topic.name,
        topic_id=topic.topic_id,
        error_code=ErrorCode.none,
        num_partitions=topic.partition_count,
        replication_factor=topic.replication_factor,
        configs=tuple(
            m.CreatableTopicConfigs(
                name=entry.key.name,
                value=entry.text,
                config_source=int(entry.source),
            )
            for entry in context.services.configs.of_new_topic(given)
        ),
    )
