"""A client of a few lines that sends exactly the bytes it is told to."""

from __future__ import annotations

import struct
from typing import Any, Self

import anyio
from anyio.abc import SocketStream

from flowlog.broker.wire import codec
from flowlog.broker.wire.versions import is_flexible

API_VERSIONS = 18


class RawClient:
    """One connection; `call` sends a request and waits for its response."""

    def __init__(self, stream: SocketStream) -> None:
        self.stream = stream
        self._correlation_id = 0
        self._received = b""

    @classmethod
    async def connect(cls, bootstrap: str) -> Self:
        host, _, port = bootstrap.rpartition(":")
        return cls(await anyio.connect_tcp(host, int(port)))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self.stream.aclose()

    async def send(self, api_key: int, version: int, request: Any) -> int:
        """Send a request; return its correlation id."""
        return await self.send_body(
            api_key, version, codec.write_request(api_key, version, request)
        )

    async def send_body(self, api_key: int, version: int, body: bytes) -> int:
        self._correlation_id += 1
        header = struct.pack(">hhih", api_key, version, self._correlation_id, -1)
        if is_flexible(api_key, version):
            header += b"\0"
        await self.send_bytes(struct.pack(">i", len(header) + len(body)) + header + body)
        return self._correlation_id

    async def send_bytes(self, data: bytes) -> None:
        await self.stream.send(data)

    async def receive_frame(self) -> bytes:
        """The next response with its header, without its size.

        Raises:
            anyio.EndOfStream: the broker closed the connection.
        """
        (size,) = struct.unpack(">i", await self._take(4))
        return await self._take(size)

    async def receive(self, api_key: int, version: int) -> tuple[int, Any]:
        """The next response as (correlation id, message)."""
        frame = await self.receive_frame()
        (correlation_id,) = struct.unpack_from(">i", frame)
        start = 5 if api_key != API_VERSIONS and is_flexible(api_key, version) else 4
        return correlation_id, codec.read_response(api_key, version, frame[start:])

    async def call(self, api_key: int, version: int, request: Any) -> Any:
        sent = await self.send(api_key, version, request)
        correlation_id, response = await self.receive(api_key, version)
        assert correlation_id == sent, "answered out of order"
        return response

    async def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._received += await self.stream.receive()
        taken, self._received = self._received[:size], self._received[size:]
        return taken
