"""A blocking connection that sends one request at a time and reads its answer."""

from __future__ import annotations

import socket
import struct
from types import TracebackType
from typing import Any, Final, Self

from flowlog.broker.wire import codec
from flowlog.broker.wire.versions import is_flexible

API_VERSIONS: Final = 18
CLIENT_ID: Final = "compare"
TIMEOUT_S: Final = 10.0


class ClosedError(Exception):
    """The broker closed the connection instead of answering."""


class RawConnection:
    """One socket to one broker; opened again after the broker closed it."""

    def __init__(self, bootstrap: str) -> None:
        host, _, port = bootstrap.rpartition(":")
        self._address = (host.strip("[]"), int(port))
        self._socket: socket.socket | None = None
        self._correlation_id = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def call(self, api_key: int, version: int, request: Any) -> Any:
        """The answer to a request.

        Raises:
            ClosedError: there was none.
        """
        body = codec.write_request(api_key, version, request)
        return self.call_body(api_key, version, body)

    def call_body(self, api_key: int, version: int, body: bytes) -> Any:
        """As `call`, for a body that is made of bytes by hand."""
        frame = self.exchange(self._header(api_key, version) + body)
        start = 5 if api_key != API_VERSIONS and is_flexible(api_key, version) else 4
        return codec.read_response(api_key, version, frame[start:])

    def exchange(self, frame: bytes) -> bytes:
        """Send any frame; the answer's frame without its size.

        Raises:
            ClosedError: there was none.
        """
        try:
            self._connected().sendall(struct.pack(">i", len(frame)) + frame)
            (size,) = struct.unpack(">i", self._take(4))
            return self._take(size)
        except (ConnectionError, EOFError, TimeoutError) as error:
            self.close()
            raise ClosedError(str(error) or type(error).__name__) from None

    def _header(self, api_key: int, version: int) -> bytes:
        self._correlation_id += 1
        text = CLIENT_ID.encode()
        header = struct.pack(">hhih", api_key, version, self._correlation_id, len(text)) + text
        return header + b"\0" if is_flexible(api_key, version) else header

    def _connected(self) -> socket.socket:
        if self._socket is None:
            self._socket = socket.create_connection(self._address, TIMEOUT_S)
        return self._socket

    def _take(self, size: int) -> bytes:
        assert self._socket is not None
        taken = bytearray()
        while len(taken) < size:
            piece = self._socket.recv(size - len(taken))
            if not piece:
                raise EOFError("the broker closed the connection")
            taken += piece
        return bytes(taken)
