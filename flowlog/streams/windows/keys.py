"""The two forms of a window's key.

in the store:        start ms, int64 | key …                      a window's keys lie together
in the changelog:    key … | start ms, int64 | sequence, int32    as Kafka Streams writes it
"""

from __future__ import annotations

import struct
from typing import Final

_START: Final = struct.Struct(">q")
_SUFFIX: Final = struct.Struct(">qi")
START_BYTES: Final = _START.size
SUFFIX_BYTES: Final = _SUFFIX.size

pack_start = _START.pack


def store_key(key: bytes, start_ms: int) -> bytes:
    """The key in the store."""
    return _START.pack(start_ms) + key


def split_store_key(stored: bytes) -> tuple[int, bytes]:
    """Start and key of a key in the store."""
    (start_ms,) = _START.unpack_from(stored)
    return start_ms, stored[START_BYTES:]


def changelog_key(key: bytes, start_ms: int) -> bytes:
    """The key in the changelog; the sequence is 0."""
    return key + _SUFFIX.pack(start_ms, 0)


def store_key_of_changelog(key: bytes) -> bytes:
    """From the changelog's form to the store's."""
    return key[-SUFFIX_BYTES:-4] + key[:-SUFFIX_BYTES]
