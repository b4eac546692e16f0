"""The one error that reading bytes may raise."""

from __future__ import annotations


class ProtocolError(Exception):
    """Bytes that are no message of the Kafka protocol; the connection they came from is closed.

    The message says what was wrong and never repeats the bytes, so that it can be logged.
    """
