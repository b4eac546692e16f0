"""Marks on records of repartition topics, by which a task knows what it has already had.

A worker that is killed reads its input again from the last commit and writes the same records to
repartition topics once more. Each carries the source it came from and a position that only grows,
so the reading task drops what is not above the last position it took from that source. That gives
exact counts after a crash without transactions. Functions must give the same results when called
again for that to hold.

    header "flowlog.mark":   source, 8 bytes | offset, int64 | index, int64
    source:                  CRC-32 of the topic's or table's name | partition, int32
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import Final

HEADER: Final = "flowlog.mark"
SOURCE_BYTES: Final = 8
_SOURCE: Final = struct.Struct(">Ii")
_POSITION: Final = struct.Struct(">qq")

pack_position = _POSITION.pack


def source_id(name: str, partition: int) -> bytes:
    """What a task's marks begin with."""
    return _SOURCE.pack(crc32(name.encode()), partition)
