"""Zigzag variable-length integers, as they stand inside records.

Seven bits a byte, lowest first; the eighth bit says that more follow. Zigzag folds the sign into
bit 0 so that small negative numbers stay short.
"""

from __future__ import annotations

from typing import Final

from flowlog.records.errors import CorruptBatchError

VARINT_MAX_BYTES: Final = 5
VARLONG_MAX_BYTES: Final = 10


def append_varint(out: bytearray, value: int) -> None:
    """Write `value` (any signed 64-bit number) at the end of `out`."""
    assert -(1 << 63) <= value < 1 << 63, value
    folded = (value << 1) ^ (value >> 63)
    while folded > 0x7F:
        out.append((folded & 0x7F) | 0x80)
        folded >>= 7
    out.append(folded)


def read_varint(
    buffer: bytes | memoryview, position: int, *, max_bytes: int = VARINT_MAX_BYTES
) -> tuple[int, int]:
    """Read one number; return it and the position behind it.

    Raises:
        CorruptBatchError: the number is longer than `max_bytes` or runs past the buffer's end.
    """
    folded = 0
    shift = 0
    try:
        byte = buffer[position]
        if byte < 0x80:  # Most numbers in records take one byte.
            return (byte >> 1) ^ -(byte & 1), position + 1
        end = position + max_bytes
        while True:
            folded |= (byte & 0x7F) << shift
            position += 1
            if byte < 0x80:
                return (folded >> 1) ^ -(folded & 1), position
            if position == end:
                raise CorruptBatchError(f"variable-length number longer than {max_bytes} bytes")
            shift += 7
            byte = buffer[position]
    except IndexError:
        raise CorruptBatchError("variable-length number runs past the end") from None


def varint_size(value: int) -> int:
    """How many bytes `append_varint` writes for `value`."""
    folded = (value << 1) ^ (value >> 63)
    return max(1, (folded.bit_length() + 6) // 7)
