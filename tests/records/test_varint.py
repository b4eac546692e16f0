from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.records.errors import CorruptBatchError
from flowlog.records.varint import VARLONG_MAX_BYTES, append_varint, read_varint, varint_size


@given(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=3))
def test_what_is_written_is_read(value: int, before: bytes) -> None:
    out = bytearray(before)
    append_varint(out, value)
    assert len(out) - len(before) == varint_size(value)
    read = read_varint(out, len(before), max_bytes=VARLONG_MAX_BYTES)
    assert read == (value, len(out))


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "00"), (-1, "01"), (1, "02"), (63, "7e"), (64, "8001"), (-65, "8101"), (300, "d804")],
)
def test_known_encodings(value: int, encoded: str) -> None:
    out = bytearray()
    append_varint(out, value)
    assert out.hex() == encoded


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff\xff", b"\x80" * 6, b"\xff" * 20])
def test_endless_numbers_are_refused(data: bytes) -> None:
    with pytest.raises(CorruptBatchError):
        read_varint(data, 0)
