"""Request and response headers, and the answer to ApiVersions of an unknown version."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kio.schema.errors import ErrorCode
from kio.schema.index import api_key_map
from kio.schema.request_header.v1.header import RequestHeader as HeaderV1
from kio.schema.request_header.v2.header import RequestHeader as HeaderV2
from kio.serial import entity_writer

from flowlog.broker.wire import codec
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.fallback import unknown_api_versions_body
from flowlog.broker.wire.headers import RequestHeader, read_request_header, response_start
from flowlog.broker.wire.schema import kio_class
from flowlog.broker.wire.versions import (
    api_name,
    api_versions,
    has_version,
    is_flexible,
    known,
    latest_version,
)

EVERY_VERSION = [(key, version) for key in api_key_map for version in api_versions(key)]


@pytest.mark.parametrize(("api_key", "version"), EVERY_VERSION)
@pytest.mark.parametrize("client_id", ["rdkafka", "", None])
def test_every_versions_header_is_the_one_kio_writes(
    api_key: int, version: int, client_id: str | None
) -> None:
    kio_header = kio_class(api_key_map[api_key], version, "request").__header_schema__
    buffer = io.BytesIO()
    entity_writer(kio_header)(
        buffer,
        kio_header(
            request_api_key=api_key,
            request_api_version=version,
            correlation_id=-7,
            client_id=client_id,
        ),
    )
    expected = RequestHeader(api_key, version, -7, client_id)
    frame = memoryview(buffer.getvalue() + b"body")
    assert read_request_header(frame) == (expected, len(buffer.getvalue()))
    assert kio_header in (HeaderV1, HeaderV2)
    assert is_flexible(api_key, version) is (kio_header is HeaderV2)


@pytest.mark.parametrize(("api_key", "version"), EVERY_VERSION)
def test_every_versions_response_start_is_the_one_kio_writes(api_key: int, version: int) -> None:
    kio_header = kio_class(api_key_map[api_key], version, "response").__header_schema__
    buffer = io.BytesIO()
    entity_writer(kio_header)(buffer, kio_header(correlation_id=99))
    header = buffer.getvalue()
    size = (len(header) + 10).to_bytes(4, "big")
    assert response_start(api_key, version, 99, body_bytes=10) == size + header


@given(frame=st.binary(max_size=30))
def test_any_frame_has_a_header_or_is_refused(frame: bytes) -> None:
    try:
        _, position = read_request_header(frame)
    except ProtocolError:
        return
    assert position <= len(frame)


@given(rest=st.binary(max_size=20))
def test_an_unknown_version_still_gives_the_number_to_answer_to(rest: bytes) -> None:
    frame = b"\x00\x12\x00\x63\x00\x00\x00\x07\x00\x01c" + rest
    assert read_request_header(frame) == (RequestHeader(18, 99, 7, "c"), 11)


def test_an_unknown_version_of_api_versions_is_answered_in_version_0_with_its_range_alone() -> None:
    body = unknown_api_versions_body({3: (0, 13), 18: (0, 4)})
    assert body == b"\x00\x23" + b"\x00\x00\x00\x01" + b"\x00\x12\x00\x00\x00\x04"
    response = codec.read_response(18, 0, body)
    assert response.error_code is ErrorCode.unsupported_version
    assert response_start(18, 99, 7, body_bytes=6) == b"\0\0\0\x0a" + b"\0\0\0\x07"


def test_versions_are_those_of_kio() -> None:
    assert known(0)
    assert not known(7), "ControlledShutdown left Kafka with version 4"
    assert latest_version(18) == 4
    assert has_version(0, 13)
    assert not has_version(0, 2)
    assert not has_version(99, 0)
    assert api_name(2) == "list_offsets"
    assert api_name(99) == "api-99"
