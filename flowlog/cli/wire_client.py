"""`WireClient`: asks brokers what librdkafka has no call for.

One request at a time over a plain or TLS connection, in Kafka's own protocol. Where brokers ask
for SASL it cannot be used: librdkafka keeps what it knows of that to itself.
"""

from __future__ import annotations

import itertools
import socket
import ssl
import struct
from typing import TYPE_CHECKING, Any, Final

from flowlog.broker.wire import codec, messages
from flowlog.broker.wire.versions import is_flexible
from flowlog.client.errors import CANNOT_CONNECT, TIMED_OUT, ClientError
from flowlog.client.settings import Address, ClientSettings
from flowlog.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

CLIENT_ID: Final = b"flowlog"
API_VERSIONS: Final = 18
RESPONSE_BYTES_MAX: Final = 100 * 2**20

Range = tuple[int, int]


class WireClient:
    """Connections to brokers by address, opened when they are first needed."""

    def __init__(self, settings: ClientSettings) -> None:
        """Raises `ConfigError` where the brokers are spoken to by other means than TCP or TLS."""
        self._settings = settings
        self._tls = _tls_of(settings.properties)
        self._connections: dict[Address, _Connection] = {}

    def call(self, address: Address, api_key: int, versions: Range, request: Any) -> Any:
        """A broker's answer, by the highest of the versions (inclusive) that it serves.

        Raises:
            ClientError: CANNOT_CONNECT, TIMED_OUT, or UNSUPPORTED_VERSION.
        """
        try:
            connection = self._connection(address)
            return connection.call(api_key, connection.version(api_key, versions), request)
        except TimeoutError:
            raise ClientError(f"{address} did not answer in time", code=TIMED_OUT) from None
        except (OSError, EOFError) as error:
            raise ClientError(f"cannot talk to {address}: {error}", code=CANNOT_CONNECT) from None

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def _connection(self, address: Address) -> _Connection:
        if address not in self._connections:
            self._connections[address] = _Connection(address, self._tls, self._settings.timeout_s)
        return self._connections[address]


class _Connection:
    """One socket, and the versions that its broker serves."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None, timeout_s: float) -> None:
        self._address = address
        self._socket = socket.create_connection((address.host, address.port), timeout_s)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname=address.host)
        self._numbers = itertools.count(1)
        answer = self.call(API_VERSIONS, 0, messages.api_versions.ApiVersionsRequest())
        self._served: Mapping[int, Range] = {
            row.api_key: (row.min_version, row.max_version) for row in answer.api_keys
        }

    def version(self, api_key: int, versions: Range) -> int:
        """The highest version that both sides know. Raises `ClientError`."""
        lowest, highest = self._served.get(api_key, (0, -1))
        version = min(highest, versions[1])
        if version < max(lowest, versions[0]):
            raise ClientError(
                f"{self._address} does not serve request {api_key} in a version from "
                f"{versions[0]} to {versions[1]}",
                code="UNSUPPORTED_VERSION",
            )
        return version

    def call(self, api_key: int, version: int, request: Any) -> Any:
        header = struct.pack(">hhih", api_key, version, next(self._numbers), len(CLIENT_ID))
        header += CLIENT_ID + (b"\0" if is_flexible(api_key, version) else b"")
        body = codec.write_request(api_key, version, request)
        self._socket.sendall(struct.pack(">i", len(header) + len(body)) + header + body)
        (size,) = struct.unpack(">i", self._take(4))
        if not 4 <= size <= RESPONSE_BYTES_MAX:
            raise OSError(f"it answered with {size} bytes")
        frame = self._take(size)
        start = 5 if api_key != API_VERSIONS and is_flexible(api_key, version) else 4
        return codec.read_response(api_key, version, memoryview(frame)[start:])

    def close(self) -> None:
        self._socket.close()

    def _take(self, size: int) -> bytes:
        taken = bytearray()
        while len(taken) < size:
            piece = self._socket.recv(size - len(taken))
            if not piece:
                raise EOFError("it closed the connection")
            taken += piece
        return bytes(taken)


def _tls_of(properties: Mapping[str, str]) -> ssl.SSLContext | None:
    protocol = properties.get("security.protocol", "plaintext").lower()
    if protocol == "plaintext":
        return None
    if protocol != "ssl":
        raise ConfigError(
            f"this command does not speak security.protocol={protocol}",
            hint="use a listener with plaintext or ssl",
        )
    context = ssl.create_default_context(cafile=properties.get("ssl.ca.location"))
    certificate = properties.get("ssl.certificate.location")
    if certificate is not None:
        context.load_cert_chain(
            certificate,
            properties.get("ssl.key.location"),
            properties.get("ssl.key.password"),
        )
    if properties.get("ssl.endpoint.identification.algorithm") == "none":
        context.check_hostname = False
    return context
