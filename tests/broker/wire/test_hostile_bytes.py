"""Whatever the bytes, a reader returns a message or raises `ProtocolError`, in little memory."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from flowlog.broker.wire.codec import read_message, write_message
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.reading import MAX_ELEMENT_COUNT
from flowlog.broker.wire.schema import Direction, message_schema, versions
from flowlog.broker.wire.writing import uvarint
from tests.broker.wire.samples import (
    MESSAGES,
    array_sites,
    damaged,
    examples,
    filled,
    least_element,
    least_encoding,
    schemas,
    tag_sites,
)

every_message = pytest.mark.parametrize(("name", "direction"), MESSAGES)

HUGE_COUNTS: Final = {
    True: (uvarint(2**31 - 1), uvarint(2**32 - 1), uvarint(10**6)),
    False: (b"\x7f\xff\xff\xff", b"\x00\x0f\x42\x40", b"\xff\xff\xff\xfe", b"\x80\x00\x00\x00"),
}
"""Array counts that no short message can hold, or that are negative; by flexibility."""

MEMORY_MULTIPLE: Final = 50
"""An object with two fields takes 64 bytes and may be encoded in two."""


def _read_or_refuse(name: str, direction: Direction, version: int, data: bytes) -> bool:
    """Whether the bytes are a message; any exception but `ProtocolError` fails the test."""
    try:
        read_message(name, version, direction, memoryview(data))
    except ProtocolError:
        return False
    return True


@contextmanager
def _peak_bytes() -> Iterator[Callable[[], int]]:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        yield lambda: tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@every_message
def test_every_proper_prefix_of_a_message_is_refused(name: str, direction: Direction) -> None:
    for schema in schemas(name, direction):
        data = write_message(name, schema.version, direction, filled(name, direction, schema))
        assert _read_or_refuse(name, direction, schema.version, data)
        for size in range(len(data)):
            assert not _read_or_refuse(name, direction, schema.version, data[:size])


@every_message
def test_trailing_bytes_are_refused(name: str, direction: Direction) -> None:
    for schema in schemas(name, direction):
        data = write_message(name, schema.version, direction, filled(name, direction, schema))
        assert not _read_or_refuse(name, direction, schema.version, data + b"\x00")


@every_message
def test_damaged_messages_are_read_or_refused(name: str, direction: Direction) -> None:
    rng = random.Random(f"{name} {direction}")
    for schema in schemas(name, direction):
        data = write_message(name, schema.version, direction, filled(name, direction, schema))
        for _ in range(examples(30)):
            _read_or_refuse(name, direction, schema.version, damaged(data, rng))


@every_message
def test_random_bytes_are_read_or_refused(name: str, direction: Direction) -> None:
    rng = random.Random(f"{direction} {name}")
    for schema in schemas(name, direction):
        for _ in range(examples(20)):
            data = rng.randbytes(rng.randint(0, 80))
            _read_or_refuse(name, direction, schema.version, data)
            sparse = bytes(byte if rng.random() < 0.3 else 0 for byte in data)
            _read_or_refuse(name, direction, schema.version, sparse)


@every_message
def test_a_count_that_the_bytes_cannot_hold_is_refused_at_once(
    name: str, direction: Direction
) -> None:
    with _peak_bytes() as peak_bytes:
        for schema in schemas(name, direction):
            for _, site in array_sites(schema):
                for count in HUGE_COUNTS[schema.is_flexible]:
                    with pytest.raises(ProtocolError, match="elements"):
                        read_message(name, schema.version, direction, site(count + bytes(60)))
    assert peak_bytes() < 2**20


@every_message
def test_a_null_array_is_refused_where_it_is_never_null(name: str, direction: Direction) -> None:
    for schema in schemas(name, direction):
        for field, site in array_sites(schema):
            if not field.is_nullable:
                null = b"\x00" if schema.is_flexible else b"\xff\xff\xff\xff"
                with pytest.raises(ProtocolError, match="null"):
                    read_message(name, schema.version, direction, site(null + bytes(60)))


@every_message
def test_a_million_tags_are_refused(name: str, direction: Direction) -> None:
    schema = message_schema(name, versions(name, direction)[-1], direction)
    for site in tag_sites(schema):
        for count in (10**6, 2**32 - 1, 1_001):
            with pytest.raises(ProtocolError, match="tagged fields"):
                read_message(name, schema.version, direction, site(uvarint(count) + bytes(5_000)))


@every_message
def test_memory_is_a_small_multiple_of_the_bytes(name: str, direction: Direction) -> None:
    schema = message_schema(name, versions(name, direction)[-1], direction)
    read_message(name, schema.version, direction, least_encoding(schema))  # compiles the reader
    for field, site in array_sites(schema):
        count = 2_000
        encoded_count = uvarint(count + 1) if schema.is_flexible else count.to_bytes(4, "big")
        elements = count * least_element(field, is_flexible=schema.is_flexible)
        data = site(encoded_count + elements)
        with _peak_bytes() as peak_bytes:
            _read_or_refuse(name, direction, schema.version, data)
            assert peak_bytes() > 8 * count, f"the elements of {field.name} were not read"
            assert peak_bytes() < MEMORY_MULTIPLE * len(data), field.name


def test_a_message_has_a_million_elements_at_most() -> None:
    schema = message_schema("describe_groups", 5, "request")
    ((_, site),) = array_sites(schema)
    names = uvarint(MAX_ELEMENT_COUNT + 2) + b"\x01" * (MAX_ELEMENT_COUNT + 1)
    with pytest.raises(ProtocolError, match="1000000 array elements"):
        read_message("describe_groups", 5, "request", site(names + bytes(2)))
