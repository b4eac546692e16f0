"""Writers of variable-size values: each appends one value to a `bytearray`.

What cannot be written is our bug, never a client's doing: it raises whatever Python raises.
"""

from __future__ import annotations

from struct import Struct
from typing import Final
from uuid import UUID

from flowlog.broker.wire.reading import MAX_STRING_BYTES, ZERO_UUID, Buffer

_int16: Final = Struct(">h").pack
_int32: Final = Struct(">i").pack
_NULL_INT16: Final = _int16(-1)
_NULL_INT32: Final = _int32(-1)


def uvarint(value: int) -> bytes:
    """An unsigned varint: seven bits a byte, the lowest first, the top bit set on all but the last."""
    if value < 0x80:
        return value.to_bytes(1, "big")
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def put_uvarint(out: bytearray, value: int) -> None:
    if value < 0x80:
        out.append(value)
    else:
        out += uvarint(value)


def put_string(out: bytearray, value: str) -> None:
    """Write a string behind a 16-bit length."""
    encoded = value.encode()
    out += _int16(len(encoded))
    out += encoded


def put_nullable_string(out: bytearray, value: str | None) -> None:
    """Write a string behind a 16-bit length, -1 for null."""
    if value is None:
        out += _NULL_INT16
    else:
        put_string(out, value)


def put_compact_string(out: bytearray, value: str) -> None:
    """Write a string behind a varint of its length plus one."""
    encoded = value.encode()
    if len(encoded) > MAX_STRING_BYTES:
        raise ValueError(f"a string of {len(encoded)} bytes; Kafka takes {MAX_STRING_BYTES}")
    put_uvarint(out, len(encoded) + 1)
    out += encoded


def put_nullable_compact_string(out: bytearray, value: str | None) -> None:
    """Write a string behind a varint of its length plus one, 0 for null."""
    if value is None:
        out.append(0)
    else:
        put_compact_string(out, value)


def put_bytes(out: bytearray, value: Buffer) -> None:
    """Write bytes behind a 32-bit length."""
    out += _int32(len(value))
    out += value


def put_nullable_bytes(out: bytearray, value: Buffer | None) -> None:
    """Write bytes behind a 32-bit length, -1 for null."""
    if value is None:
        out += _NULL_INT32
    else:
        put_bytes(out, value)


def put_compact_bytes(out: bytearray, value: Buffer) -> None:
    """Write bytes behind a varint of their length plus one."""
    put_uvarint(out, len(value) + 1)
    out += value


def put_nullable_compact_bytes(out: bytearray, value: Buffer | None) -> None:
    """Write bytes behind a varint of their length plus one, 0 for null."""
    if value is None:
        out.append(0)
    else:
        put_compact_bytes(out, value)


def put_count(out: bytearray, count: int) -> None:
    """Write an array's count in 32 bits; -1 for null."""
    out += _int32(count)


def put_compact_count(out: bytearray, count: int) -> None:
    """Write an array's count as a varint of one more; -1 for null."""
    put_uvarint(out, count + 1)


def put_tag(out: bytearray, tag: int, value: Buffer) -> None:
    """Write one tagged field around its encoded value (KIP-482)."""
    put_uvarint(out, tag)
    put_uvarint(out, len(value))
    out += value


def uuid_bytes(value: UUID | None) -> bytes:
    """A UUID's 16 bytes; zeroes for `None`."""
    return ZERO_UUID if value is None else value.bytes
