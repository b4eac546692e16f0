"""Text, bytes and numbers.

Numbers are text (`42`, `1.5`), which is also what JSON would write: console tools show them and
every language reads them. Kafka's own IntegerSerializer, LongSerializer and DoubleSerializer write
big-endian binary; `int32`, `int64` and `float64` read and write those.
"""

from __future__ import annotations

import struct
from typing import Final

from .serde import Serde

BYTES: Final[Serde[bytes]] = Serde("bytes", bytes, bytes, bytes, is_immutable=True)
STR: Final[Serde[str]] = Serde("str", str, str.encode, bytes.decode, is_immutable=True)


def _encode_int(value: int) -> bytes:
    return b"%d" % value


def _encode_float(value: float) -> bytes:
    return repr(float(value)).encode()


INT: Final[Serde[int]] = Serde("int", int, _encode_int, int, is_immutable=True)
FLOAT: Final[Serde[float]] = Serde("float", float, _encode_float, float, is_immutable=True)


def _binary(name: str, kind: type[int] | type[float], layout: str) -> Serde[float]:
    packer = struct.Struct(layout)
    return Serde(name, kind, packer.pack, lambda data: packer.unpack(data)[0], is_immutable=True)


int32: Final = _binary("int32", int, ">i")
int64: Final = _binary("int64", int, ">q")
float64: Final = _binary("float64", float, ">d")
