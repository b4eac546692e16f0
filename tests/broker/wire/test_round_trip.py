"""Every message at every version: flowlog writes kio's bytes and reads them back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowlog.broker.wire.codec import read_message, write_message
from flowlog.broker.wire.schema import Direction, kio_class
from tests.broker.wire.kio_peer import kio_read, kio_write, to_kio
from tests.broker.wire.samples import MESSAGES, as_read, drawn, examples, filled, schemas


def _check(name: str, direction: Direction, message: Any) -> None:
    for schema in schemas(name, direction):
        version = schema.version
        expected = as_read(message, schema)
        kio_message = to_kio(expected, kio_class(name, version, direction))
        data = write_message(name, version, direction, message)
        assert data == kio_write(kio_message), f"v{version}"
        assert read_message(name, version, direction, memoryview(data)) == expected, f"v{version}"
        assert kio_read(name, version, direction, data) == kio_message, f"v{version}"


@pytest.mark.parametrize(("name", "direction"), MESSAGES)
@settings(
    max_examples=examples(10),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_any_message_is_written_and_read_as_kio_does(
    name: str, direction: Direction, data: st.DataObject
) -> None:
    _check(name, direction, data.draw(drawn(name, direction)))


@pytest.mark.parametrize(("name", "direction"), MESSAGES)
def test_a_message_with_something_in_every_field_is_written_and_read_as_kio_does(
    name: str, direction: Direction
) -> None:
    for schema in schemas(name, direction):
        _check(name, direction, filled(name, direction, schema))
