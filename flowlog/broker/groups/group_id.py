"""Which partition of `__consumer_offsets`, and so which broker, looks after a group."""

from __future__ import annotations

from functools import lru_cache


def java_hash(text: str) -> int:
    """`String.hashCode` of Java: over UTF-16 code units, as a signed 32-bit number."""
    value = 0
    units = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value - (1 << 32) if value & 0x80000000 else value


@lru_cache(maxsize=65_536)
def partition_for(group_id: str, partition_count: int) -> int:
    """The partition of `__consumer_offsets` for a group.

    Kafka's `Utils.abs` maps the one number without a positive twin, -2^31, to 0.
    """
    value = java_hash(group_id)
    return 0 if value == -(1 << 31) else abs(value) % partition_count
