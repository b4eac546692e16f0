"""Keys of windows: the key's bytes, then the window's start as 8 bytes, big-endian.

The same bytes as Kafka Streams' TimeWindowedSerializer. The size is not in them, so whoever knows
the window passes it.

    key bytes … | start ms, int64
"""

from __future__ import annotations

import struct
from typing import Any, Final

from flowlog.streams.records import Windowed

from .serde import Serde

START: Final = struct.Struct(">q")
START_BYTES: Final = START.size


def windowed_serde(inner: Serde[Any], size_ms: int | None = None) -> Serde[Windowed[Any]]:
    """The serde of `Windowed[K]`; without a size, `end` is None on reading."""
    encode_key, decode_key = inner.encode, inner.decode
    pack, unpack_from = START.pack, START.unpack_from

    def encode(windowed: Windowed[Any]) -> bytes:
        return encode_key(windowed.key) + pack(windowed.start)

    def decode(data: bytes) -> Windowed[Any]:
        if len(data) < START_BYTES:
            raise ValueError(f"a windowed key has at least {START_BYTES} bytes, not {len(data)}")
        (start_ms,) = unpack_from(data, len(data) - START_BYTES)
        end_ms = None if size_ms is None else start_ms + size_ms
        return Windowed(decode_key(data[:-START_BYTES]), start_ms, end_ms)

    return Serde(f"windowed:{inner.name}", Windowed[inner.type], encode, decode, is_immutable=True)  # type: ignore[name-defined]
