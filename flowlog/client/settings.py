"""How to reach a cluster: addresses, librdkafka properties, a time limit; and librdkafka's log.

librdkafka prints connection failures to standard error several times a second; here they go to
the logger `flowlog.client.librdkafka` instead.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flowlog.errors import ConfigError

DEFAULT_BOOTSTRAP: Final = "127.0.0.1:9092"
DEFAULT_TIMEOUT_S: Final = 10.0

librdkafka_log: Final = logging.getLogger("flowlog.client.librdkafka")

_ADDRESS: Final = re.compile(
    r"(?:\w+://)?(?:\[(?P<ip6>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:/,]+))(?::(?P<port>\d+))?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_bootstrap(text: str) -> tuple[Address, ...]:
    """Read `HOST:PORT,...`; without a port, 9092; an IPv6 host stands in brackets.

    Raises:
        ConfigError: an address that cannot be read, or none at all.
    """
    addresses = tuple(_parse_address(part.strip()) for part in text.split(",") if part.strip())
    if not addresses:
        raise ConfigError("no bootstrap address given", hint="as in -b 127.0.0.1:9092")
    return addresses


def _parse_address(text: str) -> Address:
    match = _ADDRESS.fullmatch(text)
    port = int(match["port"] or 9092) if match else 0
    if match is None or not 0 < port <= 65535:
        raise ConfigError(
            f"bootstrap address {text!r} is not HOST:PORT", hint="as in 127.0.0.1:9092"
        )
    return Address(match["ip6"] or match["host"], port)


def parse_property(text: str) -> tuple[str, str]:
    """Read `key=value`.

    Raises:
        ConfigError: there is no `=`, or nothing before it.
    """
    key, separator, value = text.partition("=")
    if not separator or not key.strip():
        raise ConfigError(f"{text!r} is not KEY=VALUE", hint="as in -X retention.ms=60000")
    return key.strip(), value.strip()


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where the cluster is, librdkafka properties to pass on, and how long to wait for an answer."""

    bootstrap: str = DEFAULT_BOOTSTRAP
    properties: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = DEFAULT_TIMEOUT_S

    def addresses(self) -> tuple[Address, ...]:
        """The addresses to try first; see `parse_bootstrap`."""
        return parse_bootstrap(self.bootstrap)

    def librdkafka(self, own: Mapping[str, Any]) -> dict[str, Any]:
        """librdkafka's configuration: `own`, over which the user's properties go."""
        return {
            "bootstrap.servers": ",".join(str(address) for address in self.addresses()),
            "client.id": "flowlog",
            "logger": librdkafka_log,
            # A broker that just went away is tried again soon, not after 10 s.
            "reconnect.backoff.max.ms": 1000,
            **own,
            **self.properties,
        }
