from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flowlog as fl
from flowlog.errors import ConfigError
from flowlog.streams.records import Windowed
from flowlog.streams.serdes.resolve import serde_for
from flowlog.streams.serdes.windowed import windowed_serde


@dataclass
class Point:
    x: int
    tags: list[str] = field(default_factory=list)


class Order(msgspec.Struct):
    total: float
    at: datetime


class Row(TypedDict):
    name: str


@pytest.mark.parametrize(
    ("value_type", "value", "encoded"),
    [
        (str, "grüß", "grüß".encode()),
        (bytes, b"\x00\xff", b"\x00\xff"),
        (int, -42, b"-42"),
        (float, 1.5, b"1.5"),
        (bool, True, b"true"),
        (Point, Point(1, ["a"]), b'{"x":1,"tags":["a"]}'),
        (
            Order,
            Order(2.0, datetime(2026, 1, 5, tzinfo=UTC)),
            b'{"total":2.0,"at":"2026-01-05T00:00:00Z"}',
        ),
        (Row, {"name": "x"}, b'{"name":"x"}'),
        (list[int], [1, 2], b"[1,2]"),
        (tuple[str, str], ("JFK", "LAX"), b'["JFK","LAX"]'),
        (Point | None, Point(3), b'{"x":3,"tags":[]}'),
    ],
)
def test_a_type_chooses_its_form(value_type: Any, value: Any, encoded: bytes) -> None:
    serde = serde_for(value_type)
    assert serde.encode(value) == encoded
    assert serde.decode(encoded) == value


@pytest.mark.parametrize(
    ("serde", "value", "encoded"),
    [
        (fl.int32, 1, b"\x00\x00\x00\x01"),
        (fl.int64, -1, b"\xff" * 8),
        (fl.float64, 1.0, b"\x3f\xf0" + bytes(6)),
    ],
)
def test_the_binary_numbers_are_those_of_kafkas_serializers(
    serde: Any, value: float, encoded: bytes
) -> None:
    assert serde_for(serde) is serde
    assert serde.encode(value) == encoded
    assert serde.decode(encoded) == value


@given(st.floats(allow_nan=False))
def test_a_float_comes_back_exactly(value: float) -> None:
    assert serde_for(float).decode(serde_for(float).encode(value)) == value


def test_a_windowed_key_is_the_key_and_the_start_in_eight_bytes() -> None:
    serde = windowed_serde(serde_for(str), size_ms=60_000)
    encoded = serde.encode(Windowed("/home", 60_000))
    assert encoded == b"/home\x00\x00\x00\x00\x00\x00\xea\x60"
    assert serde.decode(encoded) == Windowed("/home", 60_000, 120_000)


def test_without_a_size_the_end_of_a_window_is_not_known() -> None:
    serde = serde_for(Windowed[str])
    assert serde.decode(serde.encode(Windowed("k", 5))) == Windowed("k", 5, None)


def test_a_type_without_a_form_is_refused_with_a_hint() -> None:
    with pytest.raises(ConfigError) as caught:
        serde_for(type("Odd", (), {}))
    assert "dataclass" in caught.value.hint


def test_equal_types_have_equal_serdes_and_other_types_do_not() -> None:
    assert serde_for(Point) == serde_for(Point)
    assert serde_for(Point) != serde_for(Order)
    assert serde_for(str) != serde_for(bytes)
