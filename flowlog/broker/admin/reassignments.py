"""Moving partitions to other brokers: what can be asked for. Pure.

One broker has nowhere to move a partition to, so a wish is either refused or is what is there.
"""

from __future__ import annotations

from collections.abc import Sequence

from kio.schema.errors import ErrorCode

from flowlog.broker.controller.image import MetadataImage
from flowlog.errors import KafkaError


def check_reassignment(
    image: MetadataImage, topic: str, index: int, replicas: Sequence[int] | None
) -> None:
    """Refuse what cannot be had; `replicas` None asks to stop a move.

    Raises:
        KafkaError: no such partition, no move to stop, or replicas that are no brokers.
    """
    found = image.topic(topic)
    if found is None or not 0 <= index < len(found.partitions):
        raise KafkaError(ErrorCode.unknown_topic_or_partition, f"no partition {topic}-{index}")
    if replicas is None:
        raise KafkaError(
            ErrorCode.no_reassignment_in_progress, f"{topic}-{index} is not on the move"
        )
    unknown = [node for node in replicas if node not in image.brokers]
    if not replicas or unknown or len(set(replicas)) != len(replicas):
        raise KafkaError(
            ErrorCode.invalid_replica_assignment, f"{list(replicas)} is no set of brokers"
        )
    assert set(replicas) == set(found.partitions[index].replicas), "one broker, one choice"
