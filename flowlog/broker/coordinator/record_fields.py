"""The primitive fields of Kafka's record formats, big-endian: strings, bytes, integers.

Source: the protocol guide's primitive types; `Readable` and `Writable` in apache/kafka, clients.
"""

from __future__ import annotations

import struct
from typing import Final

NULL: Final = -1


def string(text: str) -> bytes:
    """Length i16, then UTF-8. Raises `ValueError` above 32,767 bytes."""
    encoded = text.encode()
    if len(encoded) > 0x7FFF:
        raise ValueError(f"a string of {len(encoded)} bytes does not fit its length field")
    return len(encoded).to_bytes(2, "big") + encoded


def uvarint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def compact_string(text: str) -> bytes:
    """Length plus one as a varint, then UTF-8."""
    encoded = text.encode()
    return uvarint(len(encoded) + 1) + encoded


def nullable_string(text: str | None) -> bytes:
    return b"\xff\xff" if text is None else string(text)


def compact_nullable_string(text: str | None) -> bytes:
    return b"\x00" if text is None else compact_string(text)


def compact_bytes(data: bytes) -> bytes:
    """Length plus one as a varint, then the bytes."""
    return uvarint(len(data) + 1) + data


def sized_bytes(data: bytes) -> bytes:
    """Length i32, then the bytes."""
    return len(data).to_bytes(4, "big") + data


class FieldReader:
    """Reads fields in order from one record's key or value; never beyond its end.

    Every method raises `ValueError` when the bytes end too early.
    """

    __slots__ = ("_data", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def _take(self, size: int) -> bytes:
        end = self._position + size
        if size < 0 or end > len(self._data):
            raise ValueError(f"{size} bytes wanted at {self._position} of {len(self._data)}")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def raw(self, size: int) -> bytes:
        return self._take(size)

    def int8(self) -> int:
        return int.from_bytes(self._take(1), "big", signed=True)

    def int16(self) -> int:
        return int.from_bytes(self._take(2), "big", signed=True)

    def int32(self) -> int:
        return int.from_bytes(self._take(4), "big", signed=True)

    def int64(self) -> int:
        return int(struct.unpack(">q", self._take(8))[0])

    def string(self, *, compact: bool = False) -> str:
        text = self.nullable_string(compact=compact)
        if text is None:
            raise ValueError("null where a string belongs")
        return text

    def nullable_string(self, *, compact: bool = False) -> str | None:
        size = self.uvarint() - 1 if compact else self.int16()
        return None if size == NULL else self._take(size).decode()

    def sized_bytes(self, *, compact: bool = False) -> bytes:
        return self._take(self.uvarint() - 1 if compact else self.int32())

    def array_count(self, *, compact: bool = False) -> int:
        """How many elements follow; each takes at least one byte, so no lie can be large."""
        count = self.uvarint() - 1 if compact else self.int32()
        if not 0 <= count <= len(self._data) - self._position:
            raise ValueError(f"an array of {count} in {len(self._data)} bytes")
        return count

    def uvarint(self) -> int:
        value = shift = 0
        while True:
            byte = self._take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 28:
                raise ValueError("a varint of more than five bytes")

    def tags(self) -> dict[int, bytes]:
        """The tagged fields that end a struct of a flexible version, by tag."""
        return {self.uvarint(): self._take(self.uvarint()) for _ in range(self.uvarint())}
