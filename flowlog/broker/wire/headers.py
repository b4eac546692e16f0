"""Request and response headers.

    request   api key (2), version (2), correlation id (4), client id (2 + n), tags where flexible
    response  correlation id (4), tags where flexible

The client id keeps its old 16-bit length also in flexible headers, and ApiVersions answers with
the old header at every version, since a client that asks cannot know yet what we speak
(KIP-511). Header version 0 of requests belonged to ControlledShutdown, which Kafka 4 removed.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from flowlog.broker.wire.errors import MALFORMED, ProtocolError
from flowlog.broker.wire.reading import Buffer, read_nullable_string, skip_tags
from flowlog.broker.wire.versions import has_flexible_header, is_flexible

API_VERSIONS_KEY: Final = 18

_request_start: Final = Struct(">hhi")
_legacy_response: Final = Struct(">ii")
_flexible_response: Final = Struct(">iix")
_LEGACY_HEADER_BYTES: Final = 4
_FLEXIBLE_HEADER_BYTES: Final = 5


class RequestHeader(NamedTuple):
    """Who asks what, and the number to put on the answer."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None


def read_request_header(frame: Buffer) -> tuple[RequestHeader, int]:
    """Read a frame's header; return it and where the body begins.

    For an API or version that flowlog knows no message for, the position is that behind the
    client id: the caller cannot read such a body anyway, but can still answer by number.

    Raises:
        ProtocolError: the frame does not begin with a request header.
    """
    try:
        api_key, api_version, correlation_id = _request_start.unpack_from(frame)
        client_id, position = read_nullable_string(frame, _request_start.size, len(frame))
        if has_flexible_header(api_key, api_version):
            position = skip_tags(frame, position, len(frame))
    except MALFORMED as error:
        raise ProtocolError(f"malformed request header: {error}") from None
    return RequestHeader(api_key, api_version, correlation_id, client_id), position


def response_start(api_key: int, api_version: int, correlation_id: int, body_bytes: int) -> bytes:
    """What goes before the body of an answer: the frame's size and the header.

    An answer to an unknown version, which only ApiVersions has, is written as version 0.
    """
    if api_key != API_VERSIONS_KEY and is_flexible(api_key, api_version):
        return _flexible_response.pack(body_bytes + _FLEXIBLE_HEADER_BYTES, correlation_id)
    return _legacy_response.pack(body_bytes + _LEGACY_HEADER_BYTES, correlation_id)
