"""Prebuilt bytes: record batches, Produce and Fetch requests, and what comes back.

Measuring with bytes that exist beforehand measures the broker; a client library would measure
itself as well. Versions 8 (Produce) and 11 (Fetch) are the last before the flexible encoding,
which makes them short to write here, and every Apache Kafka since 2.3 serves them.

Source: the message schemas in clients/src/main/resources/common/message of apache/kafka.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator

import crc32c

BATCH_BYTES_MAX = 1_000_000  # below the default max.message.bytes, 1,048,588

_PRODUCE, _PRODUCE_VERSION = 0, 8
_FETCH, _FETCH_VERSION = 1, 11

# base offset, length, leader epoch, magic, CRC | what the CRC covers: attributes, last offset
# delta, base and max timestamp, producer id, its epoch, base sequence, record count
_BATCH_HEAD = struct.Struct(">qiibI")
_BATCH_BODY = struct.Struct(">hiqqqhii")
_SIZE = struct.Struct(">i")


def record_batch(count: int, value: bytes) -> bytes:
    """`count` records of the same value, uncompressed, without key and producer id."""
    now_ms = int(time.time() * 1000)
    body = _BATCH_BODY.pack(0, count - 1, now_ms, now_ms, -1, -1, -1, count)
    body += b"".join(_record(number, value) for number in range(count))
    length = len(body) + 9  # leader epoch, magic and CRC count too
    return _BATCH_HEAD.pack(0, length, -1, 2, crc32c.crc32c(body)) + body


def records_per_batch(value_bytes: int) -> int:
    """How many records of that size fill a batch of about 1 MB."""
    return max(1, BATCH_BYTES_MAX // (value_bytes + 12))


def _record(offset_delta: int, value: bytes) -> bytes:
    # attributes, timestamp delta 0, offset delta, key length -1, value, no headers
    body = b"\0\0" + _varint(offset_delta) + b"\1" + _varint(len(value)) + value + b"\0"
    return _varint(len(body)) + body


def _varint(number: int) -> bytes:
    rest, out = number << 1, bytearray()
    while rest > 127:
        out.append(rest & 127 | 128)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def produce_request(topic: str, partition: int, batch: bytes, *, acks: int) -> bytes:
    """One framed Produce request with one batch for one partition."""
    head = struct.pack(">hhi", -1, acks, 30_000)
    body = head + _array(_string(topic) + _array(struct.pack(">ii", partition, len(batch))))
    return _framed(_PRODUCE, _PRODUCE_VERSION, body + batch)


def produce_error_position(topic: str) -> int:
    """Where the error code stands in a framed Produce response for one partition."""
    # size, correlation id, topic count, name, partition count, partition index
    return 4 + 4 + 4 + 2 + len(topic) + 4 + 4


def fetch_request(topic: str, partition: int, offset: int, *, max_bytes: int) -> bytes:
    """One framed Fetch request that waits up to 500 ms for one byte; no fetch session."""
    row = struct.pack(">iiqqi", partition, -1, offset, -1, max_bytes)
    head = struct.pack(">iiiibii", -1, 500, 1, 50 * 2**20, 0, 0, -1)
    body = head + _array(_string(topic) + _array(row)) + _SIZE.pack(0) + _string("")
    return _framed(_FETCH, _FETCH_VERSION, body)


def fetched_records(response: memoryview, topic: str) -> memoryview:
    """The record batches in a Fetch response (without its size) for one partition.

    Raises `RuntimeError` with the wire's code when the broker refused.
    """
    row = 4 + 4 + 2 + 4 + 4 + 2 + len(topic) + 4  # up to the partition's row
    _, error, _, _, _, aborted = struct.unpack_from(">ihqqqi", response, row)
    if error:
        raise RuntimeError(f"fetch was refused with code {error}")
    position = row + 34 + max(aborted, 0) * 16 + 4
    (size,) = _SIZE.unpack_from(response, position)
    return response[position + 4 : position + 4 + size]


def whole_batches(records: memoryview) -> Iterator[tuple[int, int]]:
    """The next offset and the record count of each whole batch."""
    position = 0
    while position + 61 <= len(records):
        base_offset, length = struct.unpack_from(">qi", records, position)
        if position + 12 + length > len(records):
            return
        (last_delta,) = _SIZE.unpack_from(records, position + 23)
        (count,) = _SIZE.unpack_from(records, position + 57)
        yield base_offset + last_delta + 1, count
        position += 12 + length


def connect(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), 30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_response(sock: socket.socket) -> memoryview:
    """One whole response, without its size."""
    (size,) = _SIZE.unpack(_read(sock, 4))
    return _read(sock, size)


def _read(sock: socket.socket, size: int) -> memoryview:
    buffer = memoryview(bytearray(size))
    have = 0
    while have < size:
        got = sock.recv_into(buffer[have:])
        if not got:
            raise ConnectionError("the broker closed the connection")
        have += got
    return buffer


def _framed(api_key: int, version: int, body: bytes) -> bytes:
    header = struct.pack(">hhi", api_key, version, 0) + _string("bench")
    return _SIZE.pack(len(header) + len(body)) + header + body


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">h", len(data)) + data


def _array(item: bytes) -> bytes:
    return _SIZE.pack(1) + item
