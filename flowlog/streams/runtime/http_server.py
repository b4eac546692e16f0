"""The worker's HTTP server in a thread of its own; imported and started only when asked for."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from flowlog.errors import ConfigError

if TYPE_CHECKING:
    from .routing import RoutedTables
    from .worker import Worker

log: Final = logging.getLogger("flowlog.streams.http")

STOP_WAIT_S: Final = 5.0


class HttpServer:
    """Binds at once, serves between `start` and `stop`."""

    def __init__(self, worker: Worker, tables: RoutedTables, address: str) -> None:
        """Bind.

        Raises:
            ConfigError: the address cannot be read or is taken.
        """
        self._socket = _bind(address)
        host, port = self._socket.getsockname()[:2]
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._worker = worker
        self._tables = tables
        self._server: Any = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Serve; return HOST:PORT."""
        import uvicorn

        from .http_routes import build_asgi

        config = uvicorn.Config(
            build_asgi(self._worker, self._tables),
            log_level="warning",
            access_log=False,
            lifespan="off",
            loop="asyncio",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="flowlog-http", daemon=True
        )
        self._thread.start()
        return self.address

    def stop(self) -> None:
        """Finish what is being answered, then close."""
        if self._thread is not None:
            self._server.should_exit = True
            self._thread.join(STOP_WAIT_S)
            if self._thread.is_alive():
                self._server.force_exit = True
                self._thread.join(STOP_WAIT_S)
        self._socket.close()


def _bind(address: str) -> socket.socket:
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit():
        raise ConfigError(f"{address!r} is not HOST:PORT", hint="as in 127.0.0.1:6066")
    host = host.strip("[]") or "127.0.0.1"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, int(port)))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {address}: {error.strerror}", hint="choose another by --http"
        ) from None
    return listener
