"""A hash of the topics that a group consumes: it changes when any of them does."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from ..topics import Topics


def metadata_hash(names: Iterable[str], topics: Topics) -> int:
    """64 bits, signed, over id and partition count of each topic that exists; 0 for none.

    Kafka stores a hash in the same place, of another kind: a group that moves here from there
    has one more rebalance.
    """
    digest = hashlib.blake2b(digest_size=8)
    is_empty = True
    for name in sorted(names):
        topic = topics.named(name)
        if topic is not None:
            is_empty = False
            digest.update(topic.topic_id.bytes + topic.partition_count.to_bytes(4, "big"))
    return 0 if is_empty else int.from_bytes(digest.digest(), "big", signed=True)
