"""What producers of an older version hear instead of an error that they do not know."""

from __future__ import annotations

from kio.schema.errors import ErrorCode


def fenced_as_of(version: int, error: ErrorCode, *, since: int) -> ErrorCode:
    """PRODUCER_FENCED is known since a version of each API; before it is INVALID_PRODUCER_EPOCH."""
    if error is ErrorCode.producer_fenced and version < since:
        return ErrorCode.invalid_producer_epoch
    return error
