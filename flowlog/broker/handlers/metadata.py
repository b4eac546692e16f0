"""Metadata (API key 3): brokers, topics, partitions and who leads them.

Versions 0-13. Null topics (an empty list in v0) asks for all, an empty list for none. v4 lets the
client forbid automatic creation, v7 adds leader epochs, v10 topic ids, v12 asks by id alone,
v13 a top-level error. Automatic creation is answered when the topic's leaders exist.
Without an authorizer every operation is authorized (v8 and later show it when asked).
Source: MetadataRequest.json in apache/kafka.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.admin.topics import INTERNAL_TOPICS, NewTopic, check_name
from flowlog.broker.controller.image import TopicImage
from flowlog.broker.wire import messages
from flowlog.errors import KafkaError

from .context import RequestContext
from .operations import CLUSTER_OPERATIONS, TOPIC_OPERATIONS

API_KEY: Final = 3
VERSIONS: Final = (0, 13)
AUTO_CREATION_CHOICE_SINCE: Final = 4
BY_ID_SINCE: Final = 12
NOT_ASKED: Final = -(2**31)


def handle(request: Any, context: RequestContext) -> Any | Awaitable[Any]:
    if context.version < BY_ID_SINCE and any(t.name is None for t in request.topics or ()):
        return _all_refused(request)
    missing = _to_create(request, context)
    if missing:
        return _create_then_answer(missing, request, context)
    return _answer(request, context, {})


async def _create_then_answer(names: list[str], request: Any, context: RequestContext) -> Any:
    outcomes = await context.services.topics.create([NewTopic(name) for name in names])
    refused = {
        name: outcome.error_code
        for name, outcome in zip(names, outcomes, strict=True)
        if isinstance(outcome, KafkaError)
    }
    return _answer(request, context, refused)


def _all_refused(request: Any) -> Any:
    """Versions 10 and 11 have a field for ids, but cannot be asked by them alone."""
    m = messages.metadata
    return m.MetadataResponse(
        topics=tuple(
            m.MetadataResponseTopic(
                error_code=ErrorCode.invalid_request, name=topic.name, topic_id=topic.topic_id
            )
            for topic in request.topics
        )
    )


def _to_create(request: Any, context: RequestContext) -> list[str]:
    """Names that are asked for, do not exist, and may be made by asking."""
    allowed = context.version < AUTO_CREATION_CHOICE_SINCE or request.allow_auto_topic_creation
    if not (request.topics and allowed):
        return []
    if not context.services.config.boolean("auto.create.topics.enable"):
        return []
    known = context.services.metadata.topics
    names = dict.fromkeys(topic.name for topic in request.topics if topic.topic_id is None)
    return [name for name in names if name and name not in known and _is_name(name)]


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except KafkaError:
        return False
    return name not in INTERNAL_TOPICS


def _answer(request: Any, context: RequestContext, refused: dict[str, ErrorCode]) -> Any:
    m = messages.metadata
    services = context.services
    host, port = context.broker_address()
    return m.MetadataResponse(
        brokers=(
            m.MetadataResponseBroker(
                node_id=services.node_id,
                host=host,
                port=port,
                rack=services.config.string("broker.rack") or None,
            ),
        ),
        cluster_id=services.metadata.cluster_id,
        controller_id=services.node_id,
        cluster_authorized_operations=CLUSTER_OPERATIONS
        if request.include_cluster_authorized_operations
        else NOT_ASKED,
        topics=tuple(_topics(request, context, refused)),
    )


def _topics(request: Any, context: RequestContext, refused: dict[str, ErrorCode]) -> list[Any]:
    image = context.services.metadata
    asked = request.topics
    operations = TOPIC_OPERATIONS if request.include_topic_authorized_operations else NOT_ASKED
    if asked is None or (context.version == 0 and not asked):
        return [_topic_row(topic, operations) for topic in image.topics.values()]
    rows = []
    for wanted in asked:
        if wanted.topic_id is not None:
            topic = image.topics_by_id.get(wanted.topic_id)
            error = ErrorCode.unknown_topic_id
        else:
            topic = image.topic(wanted.name or "")
            error = refused.get(wanted.name, _unknown(wanted.name or ""))
        rows.append(
            _topic_row(topic, operations)
            if topic is not None
            else messages.metadata.MetadataResponseTopic(
                error_code=error, name=wanted.name, topic_id=wanted.topic_id
            )
        )
    return rows


def _unknown(name: str) -> ErrorCode:
    try:
        check_name(name)
    except KafkaError as error:
        return error.error_code
    return ErrorCode.unknown_topic_or_partition


def _topic_row(topic: TopicImage, operations: int) -> Any:
    m = messages.metadata
    return m.MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.topic_id,
        is_internal=topic.name in INTERNAL_TOPICS,
        topic_authorized_operations=operations,
        partitions=tuple(
            m.MetadataResponsePartition(
                partition_index=partition.partition,
                leader_id=partition.leader,
                leader_epoch=partition.leader_epoch,
                replica_nodes=partition.replicas,
                isr_nodes=partition.isr,
            )
            for partition in topic.partitions
        ),
    )
