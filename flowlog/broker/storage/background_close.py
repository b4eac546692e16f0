"""Large files are let go of by a thread: their bytes are freed with their last descriptor.

Removing a file of 1 GB whose pages are in memory takes the kernel a quarter of a second, and it
takes it from whoever closes the file last. So a large file is opened before its name goes, and the
descriptor is closed elsewhere: when the name goes, for all that look, the file is gone at once.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import Final

LARGE_BYTES: Final = 1024 * 1024
"""About a quarter of a millisecond."""

_to_close: SimpleQueue[int] = SimpleQueue()
_start_lock = threading.Lock()
_thread: threading.Thread | None = None


def hold_if_large(path: str) -> int | None:
    """A descriptor that keeps the bytes of the file at `path`; None if it is small or not there."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # Whoever removes it says what is wrong with it.
        return None
    if os.fstat(fd).st_size >= LARGE_BYTES:
        return fd
    os.close(fd)
    return None


def close_in_background(fd: int) -> None:
    """Return at once; the process may also end before the file is closed."""
    global _thread
    with _start_lock:
        if _thread is None:
            _thread = threading.Thread(target=_close_all, name="flowlog-close", daemon=True)
            _thread.start()
    _to_close.put(fd)


def _close_all() -> None:
    while True:
        fd = _to_close.get()
        os.close(fd)
