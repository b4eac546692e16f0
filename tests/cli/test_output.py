"""Tables, JSON, JSON lines and CSV: frozen to the character, for those who parse them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.cli.output import Column, Style, render
from flowlog.cli.text import bytes_as_text, printable, short_count, short_duration, short_size

COLUMNS = (
    Column("topic"),
    Column("end_offset", "number"),
    Column("lag", "count"),
    Column("lag_seconds", "seconds"),
    Column("is_internal", wide=True),
)
ROWS = [
    {"topic": "a", "end_offset": 123456, "lag": 1234, "lag_seconds": 61.0, "is_internal": False},
    {"topic": "längst", "end_offset": 7, "lag": 0, "lag_seconds": None, "is_internal": True},
]

TABLE = """\
topic   end offset   lag  lag seconds
a           123456  1234         61.0
längst           7     0            -
"""
WIDE = """\
topic   end offset   lag  lag seconds  is internal
a           123456  1234         61.0  no
längst           7     0            -  yes
"""
ON_A_TERMINAL = """\
\x1b[2mtopic   end offset   lag  lag seconds\x1b[0m
a           123456  1.2k         1m1s
längst           7     0            -
"""
JSON = """\
[
  {
    "topic": "a",
    "end_offset": 123456,
    "lag": 1234,
    "lag_seconds": 61.0,
    "is_internal": false
  },
  {
    "topic": "längst",
    "end_offset": 7,
    "lag": 0,
    "lag_seconds": null,
    "is_internal": true
  }
]
"""
JSON_LINES = """\
{"topic": "a", "end_offset": 123456, "lag": 1234, "lag_seconds": 61.0, "is_internal": false}
{"topic": "längst", "end_offset": 7, "lag": 0, "lag_seconds": null, "is_internal": true}
"""
CSV = """\
topic,end_offset,lag,lag_seconds,is_internal
a,123456,1234,61.0,false
längst,7,0,,true
"""


@pytest.mark.parametrize(
    ("form", "text"),
    [("table", TABLE), ("wide", WIDE), ("json", JSON), ("jsonl", JSON_LINES), ("csv", CSV)],
)
def test_rows_are_written_in_each_form(form: str, text: str) -> None:
    assert render(form, COLUMNS, ROWS) == text


def test_a_terminal_gets_short_numbers_and_a_dim_header() -> None:
    style = Style(dim_header=True, shorten=True)
    assert render("table", COLUMNS, ROWS, style=style) == ON_A_TERMINAL


def test_no_rows_are_a_header_an_empty_list_or_nothing() -> None:
    assert render("table", COLUMNS[:1], []) == "topic\n"
    assert render("json", COLUMNS, []) == "[]\n"
    assert render("jsonl", COLUMNS, []) == ""


def test_what_a_client_named_itself_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in render("table", [Column("client_id")], [{"client_id": "\x1b[2Jx"}])


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (9_949, "9.9k"), (9_960, "10k"), (999_499, "999k"),
     (999_500, "1.0M"), (-1_500, "-1.5k"), (5 * 10**15, "5000T")],
)  # fmt: skip
def test_counts_are_shortened_to_three_digits(number: int, text: str) -> None:
    assert short_count(number) == text


def test_sizes_and_durations() -> None:
    assert short_size(34_000_000) == "34MB"
    assert [short_duration(s) for s in (0.44, 12, 200, 18_600, 187_200)] == [
        "0.4s", "12s", "3m20s", "5h10m", "2d4h",
    ]  # fmt: skip


@given(st.binary())
def test_any_bytes_become_printable_text(data: bytes) -> None:
    text = printable(bytes_as_text(data))
    assert all(character.isprintable() or character in "\t\n" for character in text)
