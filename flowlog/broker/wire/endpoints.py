"""Where the leaders are: what Produce and Fetch answers say to a client that asked the wrong node."""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final, NamedTuple

from flowlog.broker.wire.writing import (
    put_compact_count,
    put_compact_string,
    put_nullable_compact_string,
    put_tag,
)

_int32: Final = Struct(">i").pack


class NodeEndpoint(NamedTuple):
    """A node that `current_leader` names, and its address (KIP-951)."""

    node_id: int
    host: str
    port: int
    rack: str | None = None


def put_last_tags(out: bytearray, node_endpoints: Sequence[NodeEndpoint]) -> None:
    """Write the tags that end a flexible Produce or Fetch response: 0 has the endpoints."""
    if not node_endpoints:
        out.append(0)
        return
    value = bytearray()
    put_compact_count(value, len(node_endpoints))
    for node in node_endpoints:
        value += _int32(node.node_id)
        put_compact_string(value, node.host)
        value += _int32(node.port)
        put_nullable_compact_string(value, node.rack)
        value.append(0)
    out.append(1)
    put_tag(out, 0, value)
