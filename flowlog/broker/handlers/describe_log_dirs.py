"""DescribeLogDirs (API key 35): the data folders, and what each partition takes of them.

Versions 1-5. v3 adds a top-level error, v4 the file system's total and free bytes.
Source: DescribeLogDirsRequest.json in apache/kafka; KIP-113, KIP-827.
"""

from __future__ import annotations

import shutil
from typing import Any, Final

from kio.schema.errors import ErrorCode

from flowlog.broker.replication.partition import Partition
from flowlog.broker.wire import messages

from .context import RequestContext

API_KEY: Final = 35
VERSIONS: Final = (1, 5)


def handle(request: Any, context: RequestContext) -> Any:
    m = messages.describe_log_dirs
    directories = context.services.partitions.directories
    by_folder: dict[str, dict[str, list[Partition]]] = {}
    for partition in _wanted(request, context):
        by_topic = by_folder.setdefault(directories.path_of(partition.log), {})
        by_topic.setdefault(partition.topic, []).append(partition)
    return m.DescribeLogDirsResponse(
        results=tuple(
            _offline_row(path) if is_offline else _folder_row(path, by_folder.get(path, {}))
            for path, is_offline in directories.statuses()
        )
    )


def _offline_row(path: str) -> Any:
    return messages.describe_log_dirs.DescribeLogDirsResult(
        error_code=ErrorCode.kafka_storage_error, log_dir=path
    )


def _folder_row(path: str, by_topic: dict[str, list[Partition]]) -> Any:
    m = messages.describe_log_dirs
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return _offline_row(path)
    return m.DescribeLogDirsResult(
        log_dir=path,
        total_bytes=usage.total,
        usable_bytes=usage.free,
        topics=tuple(
            m.DescribeLogDirsTopic(name=topic, partitions=tuple(map(_partition_row, partitions)))
            for topic, partitions in by_topic.items()
        ),
    )


def _wanted(request: Any, context: RequestContext) -> list[Partition]:
    partitions = context.services.partitions
    if request.topics is None:
        return list(partitions)
    return [
        partition
        for topic in request.topics
        for index, partition in partitions.of_topic(topic.topic).items()
        if index in topic.partitions
    ]


def _partition_row(partition: Partition) -> Any:
    return messages.describe_log_dirs.DescribeLogDirsPartition(
        partition_index=partition.index, partition_size=partition.log.size_bytes
    )
