"""Frames: each message on a connection follows its size, four bytes, signed, big-endian."""

from __future__ import annotations

from struct import Struct
from typing import Final

from flowlog.broker.wire.errors import ProtocolError
from flowlog.broker.wire.reading import Buffer

MAX_FRAME_BYTES: Final = 100 * 1024 * 1024
"""The default bound, as Kafka's `socket.request.max.bytes`."""

MAX_FRAME_BYTES_BEFORE_AUTHENTICATION: Final = 64 * 1024
"""The bound for a client that has not said yet who it is, where that is asked."""

SIZE_BYTES: Final = 4
_size: Final = Struct(">i")


class FrameReader:
    """Cuts a stream of bytes into frames; hands them out as views, copied only where they must be.

    A frame that lies whole inside the bytes of one `feed` is a view of them. One that spans several
    is gathered in a buffer that grows with what has arrived, never with what the size announces;
    each byte is copied at most twice, however the stream is cut.
    """

    def __init__(self, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self.max_frame_bytes = max_frame_bytes
        """The largest frame, without its size; may be changed between frames."""
        self._input: Buffer = b""
        self._position = 0
        self._may_grow = False

    def feed(self, data: Buffer) -> None:
        """Take bytes as they arrive; keeps `data`, so the caller must not change it any more.

        Nothing bounds what is fed before `next_frame` is asked: ask until it returns `None` first.
        """
        if self._position == len(self._input):
            self._input, self._position, self._may_grow = data, 0, False
        elif self._may_grow:
            self._input += data  # type: ignore[operator]
        else:
            # Views of the old buffer are out, so it cannot grow: what is left moves to a new one.
            rest = bytearray(memoryview(self._input)[self._position :])
            rest += data
            self._input, self._position, self._may_grow = rest, 0, True

    def next_frame(self) -> memoryview | None:
        """The next whole frame without its size, or `None` until more is fed.

        Raises:
            ProtocolError: the size is negative or above `max_frame_bytes`; the stream is lost.
        """
        start = self._position + SIZE_BYTES
        if start > len(self._input):
            return None
        (frame_bytes,) = _size.unpack_from(self._input, self._position)
        if not 0 <= frame_bytes <= self.max_frame_bytes:
            raise ProtocolError(
                f"a frame of {frame_bytes} bytes; {self.max_frame_bytes} are allowed"
            )
        stop = start + frame_bytes
        if stop > len(self._input):
            return None
        self._position, self._may_grow = stop, False
        return memoryview(self._input)[start:stop]


def frame(payload_bytes: int) -> bytes:
    """The size that goes before a message of so many bytes, its header included."""
    return _size.pack(payload_bytes)
