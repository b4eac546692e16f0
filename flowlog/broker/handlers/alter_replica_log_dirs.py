"""AlterReplicaLogDirs (API key 34): move replicas to another folder of their broker.

Versions 1-2. Left out: the move. A replica is in the folder already, or the request is not
attempted.
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
    directories = context.services.partitions.directories
    if not Path(path).is_absolute() or str(Path(path)) not in {
        d.path for d in directories.statuses()
    }:
        return ErrorCode.log_dir_not_found
    partition = context.services.partitions.of_topic(topic).get(index)
    if partition is None:
        return ErrorCode.unknown_topic_or_partition
    is_there = directories.path_of(partition.log) == str(Path(path))
    return ErrorCode.none if is_there else ErrorCode.operation_not_attempted
