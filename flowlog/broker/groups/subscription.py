"""The topics in a consumer's metadata, the one thing about it that the broker looks into."""

from __future__ import annotations

from .record_fields import FieldReader


def subscribed_topics(metadata: bytes) -> frozenset[str]:
    """The topics that a consumer subscribes to, out of its metadata for the group's leader.

    Every version of the consumer protocol begins as version 0 does: version i16, topics array.

    Raises:
        ValueError: the bytes are no consumer subscription.

    Source: ConsumerProtocolSubscription.json in apache/kafka, clients.
    """
    fields = FieldReader(metadata)
    if fields.int16() < 0:
        raise ValueError("a consumer subscription of a negative version")
    return frozenset(fields.string() for _ in range(fields.array_count()))
