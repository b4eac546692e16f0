"""Which partition of its internal topic, and so which broker, looks after a group or a transaction."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

REMEMBERED_LENGTH: Final = 256  # longer ids are rare, and not worth the memory


def java_hash(text: str) -> int:
    """`String.hashCode` of Java: over UTF-16 code units, as a signed 32-bit number."""
    value = 0
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


def partition_for(key: str, partition_count: int) -> int:
    """The partition for a group's id in `__consumer_offsets`, a transactional id in its own topic."""
    if len(key) > REMEMBERED_LENGTH:
        return _partition_for(key, partition_count)
    return _remembered_partition_for(key, partition_count)


def _partition_for(key: str, partition_count: int) -> int:
    """Kafka's `Utils.abs` maps the one number without a positive twin, -2^31, to 0."""
    value = java_hash(key)
    return 0 if value == -(1 << 31) else abs(value) % partition_count


# Every heartbeat and commit asks, mostly for the same groups.
_remembered_partition_for = lru_cache(maxsize=16_384)(_partition_for)
