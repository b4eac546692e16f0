"""What can be wrong with bytes that claim to be record batches."""

from __future__ import annotations

from flowlog.errors import FlowlogError


class CorruptBatchError(FlowlogError):
    """The bytes are not a whole, undamaged record batch of format 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, code="CORRUPT_BATCH")


class DecompressedTooLargeError(FlowlogError):
    """A batch expands to more bytes than the caller allows; nothing was kept of it."""

    def __init__(self, codec: str, *, max_bytes: int) -> None:
        super().__init__(
            f"a {codec} batch expands to more than {max_bytes} bytes", code="BATCH_EXPANDS_TOO_FAR"
        )
        self.max_bytes = max_bytes
