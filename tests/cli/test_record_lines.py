"""Records as lines, both ways."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowlog.cli.record_lines import (
    compile_format,
    parse_header,
    parse_json_record,
    record_json,
    unescape,
)
from flowlog.client.records import OutgoingRecord, ReceivedRecord
from flowlog.errors import ConfigError, FlowlogError

RECORD = ReceivedRecord(
    "orders", 2, 41, 1_795_348_800_123, b"k", b"v\n", (("trace", b"1"), ("odd", b"\xff"))
)

keys = st.none() | st.binary(max_size=20)
headers = st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"])), keys), max_size=3)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("%t %p %o %k", "orders 2 41 k\n", id="a newline is added"),
        pytest.param("%k\\t%v", "k\tv\n\n", id="escapes; the value's own newline stays"),
        pytest.param("%k\\0", "k\0", id="a zero byte ends it instead of a newline"),
        pytest.param("100%% %s %T", "100% 3 1795348800123\n", id="percent, size, timestamp"),
        pytest.param("%D %h", "2026-11-22T12:00:00.123Z trace=1,odd=\\xff\n", id="date, headers"),
        pytest.param("", "\n", id="nothing"),
    ],
)
def test_a_format_writes_a_record(text: str, line: str) -> None:
    assert compile_format(text)(RECORD) == line


@pytest.mark.parametrize("text", ["%x", "%", "100%"])
def test_an_unknown_field_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        compile_format(text)


def test_the_json_form_is_frozen() -> None:
    assert record_json(RECORD) == (
        '{"topic": "orders", "partition": 2, "offset": 41, "timestamp_ms": 1795348800123, '
        '"key": "k", "value": "v\\n", "headers": [{"name": "trace", "value": "1"}, '
        '{"name": "odd", "value_base64": "/w=="}]}\n'
    )


@given(keys, keys, headers, st.integers(0, 2**40))
def test_what_consume_writes_as_json_produce_reads_back(
    key: bytes | None,
    value: bytes | None,
    headers: list[tuple[str, bytes | None]],
    timestamp_ms: int,
) -> None:
    received = ReceivedRecord("t", 0, 0, timestamp_ms, key, value, tuple(headers))
    line = record_json(received)
    assert line.count("\n") == 1
    assert parse_json_record(line) == OutgoingRecord(
        key, value, tuple(headers), timestamp_ms=timestamp_ms
    )


def test_json_by_hand_may_be_shorter() -> None:
    assert parse_json_record('{"value": {"n": 1}, "headers": {"h": "1"}}') == OutgoingRecord(
        None, b'{"n": 1}', (("h", b"1"),)
    )


@pytest.mark.parametrize(
    "line",
    ["", "nonsense", "[]", '{"value_base64": "%%"}', '{"headers": 1}', '{"value": "\\ud800"}'],
)
def test_a_line_that_is_no_record_is_refused(line: str) -> None:
    with pytest.raises(FlowlogError) as caught:
        parse_json_record(line)
    assert caught.value.code == "INVALID_RECORD"


@given(st.text())
def test_any_text_is_a_record_or_refused(text: str) -> None:
    with suppress(FlowlogError):
        parse_json_record(text)


def test_every_json_line_is_one_document() -> None:
    assert json.loads(record_json(RECORD))["offset"] == 41


def test_headers_and_separators_as_typed() -> None:
    assert parse_header("a=b=c") == ("a", b"b=c")
    with pytest.raises(ConfigError):
        parse_header("a")
    assert unescape("\\t") == "\t"
    assert unescape("::") == "::"
