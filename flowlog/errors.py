"""Every exception that flowlog raises on purpose, in one tree.

An error that a person will read carries a stable `code`, a `hint` and a command to `try`; the
command line prints the three on a line each. An error that a Kafka client will read is a
`KafkaError` and carries the protocol's own error code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kio.schema.errors import ErrorCode


class FlowlogError(Exception):
    """The root: catching it catches whatever flowlog raises on purpose."""

    def __init__(
        self, message: str, *, code: str = "ERROR", hint: str = "", try_command: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint
        self.try_command = try_command


class ConfigError(FlowlogError):
    """A setting, option or definition that cannot be used as given."""

    def __init__(self, message: str, *, hint: str = "", try_command: str = "") -> None:
        super().__init__(message, code="CONFIG", hint=hint, try_command=try_command)


class KafkaError(Exception):
    """What a Kafka client must hear: an error code of the protocol and a message for people."""

    def __init__(self, error_code: ErrorCode, message: str | None = None) -> None:
        super().__init__(message or error_code.name)
        self.error_code = error_code
        self.message = message


class StorageError(OSError):
    """A log directory cannot be trusted or used any more; the broker takes it offline."""
