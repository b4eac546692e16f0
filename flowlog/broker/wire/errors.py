"""The one error that reading bytes may raise."""

from __future__ import annotations

import struct
from typing import Final


class ProtocolError(Exception):
    """Bytes that are no message of the Kafka protocol; the connection they came from is closed.

    The message says what was wrong and never repeats the bytes, so that it can be logged.
    """


MALFORMED: Final = (ProtocolError, struct.error, LookupError, ValueError)
"""What readers raise on malformed bytes: reads past the end, unknown error numbers, bad UTF-8.
Whoever calls a reader catches these and raises `ProtocolError`."""
