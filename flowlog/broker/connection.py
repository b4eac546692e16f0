"""One client's connection: bytes to requests, requests to handlers, responses in their order.

A request whose handler need not wait is read, carried out and answered within the callback that
brought its last byte: no task, no queue. One that waits is finished by a task of the server, and
the requests behind it wait in the connection, as Kafka serves one request of a connection at a
time. A client that does not read its responses, or sends faster than it is served, is paused.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, cast

from flowlog.broker.handlers.context import Client, RequestContext, Services
from flowlog.broker.handlers.registry import Api, Body, Buffer
from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.fallback import unknown_api_versions_body
from flowlog.broker.wire.frames import FrameReader
from flowlog.broker.wire.headers import RequestHeader, read_request_header, response_start
from flowlog.errors import KafkaError

logger = logging.getLogger(__name__)

WAITING_FRAMES_MAX: Final = 32
COPIED_BYTES_MAX: Final = 65536
API_VERSIONS: Final = 18

Spawn = Callable[[Callable[[Any], Coroutine[Any, Any, None]], Any], None]


class Connection(asyncio.Protocol):
    """Serves one socket. The event loop calls the protocol methods; all of it is on one thread."""

    def __init__(
        self,
        services: Services,
        *,
        spawn: Spawn,
        on_open: Callable[[Connection], bool],
        on_close: Callable[[Connection], None],
    ) -> None:
        self._services = services
        self._apis = services.apis
        self._spawn = spawn
        self._on_open = on_open
        self._on_close = on_close
        self._frames = FrameReader(services.config.integer("socket.request.max.bytes"))
        self._waiting: deque[bytes | bytearray | memoryview] = deque()
        self._responses: list[Buffer] = []
        self._response_bytes = 0
        self._busy = False
        self._write_paused = False
        self._draining = False
        self.was_active = True  # since housekeeping looked last
        self.last_active_ms = services.clock.monotonic_ms()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername") or ("", 0)
        local = transport.get_extra_info("sockname") or ("", 0)
        self.client = Client(peer[0], peer[1], local[0], local[1])
        if not self._on_open(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self.was_active = True
        try:
            self._frames.feed(data)
            while (frame := self._frames.next_frame()) is not None:
                if self._busy or self._write_paused:
                    self._waiting.append(frame)
                else:
                    self._serve(frame)
        except ProtocolError as error:
            self._refuse(error)
        self._flush()
        if len(self._waiting) > WAITING_FRAMES_MAX:
            self._transport.pause_reading()

    def pause_writing(self) -> None:
        self._write_paused = True

    def resume_writing(self) -> None:
        self._write_paused = False
        self._serve_waiting()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.clear()
        self._on_close(self)

    # What the server calls.

    @property
    def is_idle(self) -> bool:
        """Nothing is being served or sent."""
        return not self._busy and not self._waiting

    def drain(self) -> None:
        """Close once the request in hand is answered; later ones get no answer."""
        self._draining = True
        self._waiting.clear()
        if not self._busy:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        self._transport.abort()

    # Serving.

    def _serve_waiting(self) -> None:
        try:
            while self._waiting and not self._busy and not self._write_paused:
                self._serve(self._waiting.popleft())
        except ProtocolError as error:
            self._refuse(error)
        self._flush()
        if len(self._waiting) <= WAITING_FRAMES_MAX // 2 and not self._transport.is_closing():
            self._transport.resume_reading()

    def _serve(self, frame: bytes | bytearray | memoryview) -> None:
        """Carry out one request, or begin to.

        Raises:
            ProtocolError: the frame is no request that this broker can answer.
        """
        header, body_start = read_request_header(frame)
        api = self._apis.get(header.api_key)
        if api is None:
            raise ProtocolError(f"API key {header.api_key} is not served")
        version = header.api_version
        if not api.min_served_version <= version <= api.max_version:
            self._answer_unsupported_version(header, api)
            return
        request = api.read(version, memoryview(frame)[body_start:])
        context = RequestContext(self._services, self.client, version, header.client_id)
        try:
            response = api.handle(request, context)
        except KafkaError as error:
            raise ProtocolError(f"{api.name}: {error}") from error
        except Exception:
            self._fail(api, header)
            return
        if hasattr(response, "__await__"):  # `inspect.isawaitable` costs three calls more
            self._busy = True
            self._spawn(self._finish, (api, header, response))
        else:
            self._send(header, api.write(version, response))

    async def _finish(self, waiting: tuple[Api, RequestHeader, Awaitable[Any]]) -> None:
        """Answer a request whose handler waits, then go on with those behind it."""
        api, header, response = waiting
        try:
            body = api.write(header.api_version, await response)
        except Exception:
            self._busy = False
            self._fail(api, header)
            return
        self._busy = False
        self._send(header, body)
        self._flush()
        if self._draining:
            self._transport.close()
        else:
            self._serve_waiting()

    def _send(self, header: RequestHeader, body: Body) -> None:
        """Keep a response for `_flush`: its size, its header, its body; nothing for no body."""
        if body is None:
            return
        size = sum(map(len, body))
        self._responses += (
            response_start(header.api_key, header.api_version, header.correlation_id, size),
            *body,
        )
        self._response_bytes += size
        if size > COPIED_BYTES_MAX:
            self._flush()

    def _flush(self) -> None:
        """Give the socket all responses at once: a system call costs more than a small copy."""
        responses = self._responses
        if not responses:
            return
        is_large = self._response_bytes > COPIED_BYTES_MAX
        self._responses, self._response_bytes = [], 0
        if self._transport.is_closing():
            return
        if is_large:
            self._transport.writelines(responses)
        else:
            self._transport.write(b"".join(responses))

    def _answer_unsupported_version(self, header: RequestHeader, api: Api) -> None:
        """ApiVersions and Produce have an answer that every client understands; others close."""
        if api.key == API_VERSIONS:
            served = {API_VERSIONS: (api.min_version, api.max_version)}
            self._send(header, (unknown_api_versions_body(served),))
            return
        raise ProtocolError(
            f"{api.name} version {header.api_version} is not served "
            f"({api.min_served_version} to {api.max_version}); client id {header.client_id!r}, "
            f"software {self.client.software}"
        )

    def _refuse(self, error: ProtocolError) -> None:
        """One line and the end of this connection; the broker and its other clients go on."""
        logger.warning("closing %s:%s: %s", self.client.host, self.client.port, error)
        self._waiting.clear()
        self._flush()
        self._transport.close()

    def _fail(self, api: Api, header: RequestHeader) -> None:
        """A bug of ours in a handler: say so in full, and let the client try again elsewhere."""
        logger.exception("%s version %d failed", api.name, header.api_version)
        self._transport.abort()
