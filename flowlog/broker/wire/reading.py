"""Readers of variable-size values, each bounded by the bytes that are really there.

All take a buffer, a position in it and, where they slice, the exclusive end of what may be read;
they return the value and the position behind it. A read past the buffer raises `IndexError` or
`struct.error`, unknown error numbers `KeyError`, bad UTF-8 `ValueError`: `codec` turns all of
them into `ProtocolError`. What those would not catch (Python slices shorten themselves) is
checked here.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from struct import Struct
from typing import Final
from uuid import UUID

from flowlog.broker.wire.errors import ProtocolError

Buffer = bytes | bytearray | memoryview

MAX_STRING_BYTES: Final = 0x7FFF
"""Kafka's bound for every string, also where the length's encoding could say more."""

MAX_TAG_COUNT: Final = 1_000
"""Tagged fields in one struct; Kafka's own schemas define fewer than ten."""

MAX_ELEMENT_COUNT: Final = 1_000_000
"""Array elements in one message, all arrays together. An element takes a few bytes on the wire
and a hundred in memory: without this bound a 100 MiB frame could ask for gigabytes."""

ZERO_UUID: Final = bytes(16)

_int16_at: Final = Struct(">h").unpack_from
_int32_at: Final = Struct(">i").unpack_from
_UVARINT_MAX_BYTES: Final = 5
_UINT32_MAX: Final = 2**32 - 1


def read_uvarint(buffer: Buffer, position: int) -> tuple[int, int]:
    """Read an unsigned varint of at most 32 bits, in at most five bytes."""
    value = buffer[position]
    if value < 0x80:
        return value, position + 1
    byte = buffer[position + 1]
    if byte < 0x80:
        return value & 0x7F | byte << 7, position + 2
    value = value & 0x7F | (byte & 0x7F) << 7
    for index in range(2, _UVARINT_MAX_BYTES):
        byte = buffer[position + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if value > _UINT32_MAX:
                break
            return value, position + index + 1
    raise ProtocolError("a varint has more than 32 bits")


def _stop(position: int, length: int, end: int) -> int:
    stop = position + length
    if length < 0 or stop > end:
        raise ProtocolError(f"a value of {length} bytes where {end - position} are left")
    return stop


def _text(buffer: Buffer, position: int, length: int, end: int) -> tuple[str, int]:
    stop = position + length
    if stop > end or not 0 <= length <= MAX_STRING_BYTES:
        raise ProtocolError(f"a string of {length} bytes where {end - position} are left")
    return str(buffer[position:stop], "utf-8"), stop


def read_string(buffer: Buffer, position: int, end: int) -> tuple[str, int]:
    """Read a string behind a 16-bit length."""
    (length,) = _int16_at(buffer, position)
    return _text(buffer, position + 2, length, end)


def read_nullable_string(buffer: Buffer, position: int, end: int) -> tuple[str | None, int]:
    """Read a string behind a 16-bit length, where -1 means null."""
    (length,) = _int16_at(buffer, position)
    if length == -1:
        return None, position + 2
    return _text(buffer, position + 2, length, end)


def read_compact_string(buffer: Buffer, position: int, end: int) -> tuple[str, int]:
    """Read a string behind a varint of its length plus one."""
    length = buffer[position]
    if length < 0x80:
        return _text(buffer, position + 1, length - 1, end)
    length, position = read_uvarint(buffer, position)
    return _text(buffer, position, length - 1, end)


def read_nullable_compact_string(buffer: Buffer, position: int, end: int) -> tuple[str | None, int]:
    """Read a string behind a varint of its length plus one, where 0 means null."""
    if buffer[position] == 0:
        return None, position + 1
    return read_compact_string(buffer, position, end)


def read_slice(buffer: Buffer, position: int, end: int) -> tuple[Buffer, int]:
    """Read bytes behind a 32-bit length; a slice of the buffer, so no copy of a memoryview."""
    (length,) = _int32_at(buffer, position)
    stop = _stop(position + 4, length, end)
    return buffer[position + 4 : stop], stop


def read_nullable_slice(buffer: Buffer, position: int, end: int) -> tuple[Buffer | None, int]:
    """`read_slice`, where the length -1 means null."""
    (length,) = _int32_at(buffer, position)
    if length == -1:
        return None, position + 4
    stop = _stop(position + 4, length, end)
    return buffer[position + 4 : stop], stop


def read_compact_slice(buffer: Buffer, position: int, end: int) -> tuple[Buffer, int]:
    """Read bytes behind a varint of their length plus one; a slice of the buffer."""
    length, position = read_uvarint(buffer, position)
    stop = _stop(position, length - 1, end)
    return buffer[position:stop], stop


def read_nullable_compact_slice(
    buffer: Buffer, position: int, end: int
) -> tuple[Buffer | None, int]:
    """`read_compact_slice`, where the varint 0 means null."""
    length, position = read_uvarint(buffer, position)
    if length == 0:
        return None, position
    stop = _stop(position, length - 1, end)
    return buffer[position:stop], stop


def read_count(buffer: Buffer, position: int) -> tuple[int, int]:
    """Read an array's count of 32 bits; -1 means null."""
    (count,) = _int32_at(buffer, position)
    if count < -1:
        raise ProtocolError(f"an array of {count} elements")
    return count, position + 4


def read_compact_count(buffer: Buffer, position: int) -> tuple[int, int]:
    """Read an array's count from a varint of one more; -1 means null."""
    count, position = read_uvarint(buffer, position)
    return count - 1, position


def claim(count: int, least_bytes: int, left_bytes: int, budget: list[int]) -> None:
    """Believe an array's count only if its elements can be there, and few enough.

    Args:
        count: null (-1) is refused here too; readers of nullable arrays look before they ask.
        least_bytes: the fewest bytes one element takes.
        budget: one number, the elements that the message may still have; counted down here.
    """
    if count * least_bytes > left_bytes or count < 0:
        raise ProtocolError(f"an array of {count} elements in {left_bytes} bytes")
    budget[0] -= count
    if budget[0] < 0:
        raise ProtocolError(f"more than {MAX_ELEMENT_COUNT} array elements in one message")


def read_tags(
    buffer: Buffer, position: int, end: int, known: Collection[int]
) -> tuple[dict[int, tuple[int, int]], int]:
    """Find a struct's tagged fields: start and exclusive stop of each known one.

    Unknown tags are skipped. KIP-482 wants tags in ascending order, which also rules out doubles.
    """
    count, position = read_uvarint(buffer, position)
    if count > MAX_TAG_COUNT:
        raise ProtocolError(f"a struct with {count} tagged fields")
    found: dict[int, tuple[int, int]] = {}
    last_tag = -1
    for _ in range(count):
        tag, position = read_uvarint(buffer, position)
        length, position = read_uvarint(buffer, position)
        if tag <= last_tag:
            raise ProtocolError(f"tag {tag} follows tag {last_tag}")
        stop = _stop(position, length, end)
        if tag in known:
            found[tag] = (position, stop)
        last_tag, position = tag, stop
    return found, position


def skip_tags(buffer: Buffer, position: int, end: int) -> int:
    """Skip the tagged fields of a struct that has none we know; return the position behind."""
    if buffer[position] == 0:
        return position + 1
    _, position = read_tags(buffer, position, end, ())
    return position


def expect_end(position: int, end: int) -> None:
    """Check that a message ends where its bytes end."""
    if position != end:
        raise ProtocolError(f"{end - position} bytes are left over")


def expect_position(position: int, stop: int) -> None:
    """Check that a tagged field's value filled its declared size exactly."""
    if position != stop:
        raise ProtocolError(f"a tagged field ends {stop - position} bytes off its size")


@lru_cache(maxsize=1024)
def uuid_of(raw: bytes) -> UUID | None:
    """The UUID in 16 bytes, `None` for all zeroes; raises `ValueError` for any other size.

    Cached: the same few topics are asked for over and over.
    """
    return None if raw == ZERO_UUID else UUID(bytes=raw)
