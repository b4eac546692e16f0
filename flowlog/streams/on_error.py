"""What happens to a record whose step raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from flowlog.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Dlq:
    """Write the record to a dead-letter topic and go on; None: `<app>-dlq`."""

    topic: str | None = None


OnError = Literal["stop", "skip"] | Dlq

STOP: Final = "stop"
SKIP: Final = "skip"


def dlq(topic: str | None = None) -> Dlq:
    """`on_error=fl.dlq()`: failing records go to a topic, with headers that say why (KIP-1034)."""
    return Dlq(topic)


def checked(on_error: OnError) -> OnError:
    """The policy itself.

    Raises:
        ConfigError: it is none.
    """
    if on_error not in (STOP, SKIP) and not isinstance(on_error, Dlq):
        raise ConfigError(f"on_error={on_error!r}", hint='"stop", "skip" or fl.dlq()')
    return on_error
