"""What a group has committed, asked as one of its consumers would ask.

Not by the admin's `list_consumer_group_offsets`: librdkafka ends the process with a segmentation
fault where the coordinator answers NOT_COORDINATOR, as each does for a moment on a new cluster
(confluentinc/librdkafka#5040).
"""

from __future__ import annotations

from typing import Any

from .cluster import Cluster
from .errors import client_error


def committed_entries(cluster: Cluster, group_id: str) -> list[Any]:
    """confluent-kafka's TopicPartition, with offset and metadata, for each committed partition.

    Raises:
        ClientError: the cluster does not answer, or refuses.
    """
    from confluent_kafka import Consumer, TopicPartition

    topics = cluster.metadata().topics
    partitions = [
        TopicPartition(name, partition)
        for name, topic in topics.items()
        for partition in topic.partitions
    ]
    if not partitions:
        return []
    consumer = Consumer(
        cluster.settings.librdkafka({"group.id": group_id, "enable.auto.commit": False})
    )
    try:
        found = cluster.retry(lambda: _ask(consumer, partitions, cluster.timeout_s, group_id))
    finally:
        consumer.close()
    return [entry for entry in found if entry.offset >= 0]


def _ask(consumer: Any, partitions: list[Any], timeout_s: float, group_id: str) -> list[Any]:
    from confluent_kafka import KafkaException

    doing = f"read the offsets of group {group_id!r}"
    try:
        found: list[Any] = consumer.committed(partitions, timeout=timeout_s)
    except KafkaException as error:
        raise client_error(error.args[0], doing) from None
    for entry in found:
        if entry.error is not None:
            raise client_error(entry.error, doing)
    return found
