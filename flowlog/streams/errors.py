"""What the streams layer raises; each is one line that a person can act on."""

from __future__ import annotations

from flowlog.errors import FlowlogError


class TopologyError(FlowlogError):
    """An app whose parts do not fit together; found before anything runs."""

    def __init__(self, message: str, *, code: str = "TOPOLOGY", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)


class ProcessingError(FlowlogError):
    """A step raised and its `on_error` says stop.

    The message names app, step, record and exception; the exception itself is the cause.
    """

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            code="PROCESSING_FAILED",
            hint='on_error="skip" or on_error=fl.dlq() goes on without such records',
        )


class StateError(FlowlogError):
    """A store that cannot be opened or does not fit its changelog."""

    def __init__(self, message: str, *, code: str = "STATE", hint: str = "") -> None:
        super().__init__(message, code=code, hint=hint)


class NotHereError(FlowlogError):
    """A question about a key whose partition this worker does not own, or not yet.

    `owner` is the address of the worker that last said it owns it, if one did.
    """

    def __init__(self, message: str, *, owner: str | None = None) -> None:
        super().__init__(message, code="NOT_OWNER", hint=f"ask {owner}" if owner else "")
        self.owner = owner
