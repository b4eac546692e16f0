"""AlterReplicaLogDirs (API key 34): move replicas to another folder of their broker.

Versions 1-2. A broker has one folder, so a replica is there already or cannot get there; either
way no record is copied.
Source: AlterReplicaLogDirsRequest.json in apache/kafka; KIP-113.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 34
VERSIONS: Final = (1, 2)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.alter_replica_log_dirs
    by_topic: dict[str, list[Any]] = {}
    for folder in request.dirs:
        for topic in folder.topics:
            by_topic.setdefault(topic.name, []).extend(
                m.AlterReplicaLogDirPartitionResult(
                    partition_index=index,
                    error_code=_outcome(folder.path, topic.name, index, context),
                )
                for index in topic.partitions
            )
    return m.AlterReplicaLogDirsResponse(
        results=tuple(
            m.AlterReplicaLogDirTopicResult(topic_name=topic, partitions=tuple(rows))
            for topic, rows in by_topic.items()
        )
    )


def _outcome(path: str, topic: str, index: int, context: RequestContext) -> ErrorCode:
    own = context.services.config.data_dir.absolute()
    if not Path(path).is_absolute() or Path(path) != own:
        return ErrorCode.log_dir_not_found
    if index not in context.services.partitions.of_topic(topic):
        return ErrorCode.unknown_topic_or_partition
    return ErrorCode.none
